"""The tree of a condition: what the parser writes, the compiler hashes and the evaluator reads.

Plain JSON, a list per node, its kind first. The same meaning gives the same tree: spaces, comments,
parentheses and the way a literal was written are gone. `t` stands for a tree.

    ["null"]  ["bool", true]  ["int", 3]  ["double", 3.5]  ["string", "sms"]    literals
    ["list", [t, …]]          ["map", [["key", t], …]]                          [1, 2], {"key": 1}
    ["name", "event"]         ["select", t, "total"]      ["index", t, t]       event, t.total, t[t]
    ["has", t, "total"]                                                         has(t.total)
    ["&&", t, t, …]           ["||", t, t, …]             a chain is one node
    ["!", t]                  ["negate", t]               ["?:", t, t, t]
    ["==", t, t]  and likewise  !=  <  <=  >  >=  in  +  -  *  /  %
    ["call", "size", [t, …]]                              a receiver is the first argument
    ["loop", "exists", t, "x", [t, …]]                    t.exists(x, …), all, filter …
"""

from __future__ import annotations

import json
from typing import Any

Tree = Any
"""A node as described above."""

MAX_DEPTH = 32
"""Levels of a tree."""

MAX_NODES = 500
"""Nodes of a tree."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
ARITHMETIC = ("+", "-", "*", "/", "%")
LOOPS = ("exists", "all", "exists_one", "filter", "map")

_BINDING = {"?:": 1, "||": 2, "&&": 3} | dict.fromkeys(COMPARISONS, 4) | {"+": 5, "-": 5}
_BINDING |= {"*": 6, "/": 6, "%": 6, "!": 7, "negate": 7}
_PRIMARY = 8
_METHODS = ("startsWith", "endsWith", "contains")


def whole_source(tree: Tree) -> str:
    """The condition as CEL text again."""
    return _text(tree)


def source(tree: Tree) -> str:
    """The same, cut after 120 characters; for messages."""
    text = _text(tree)
    return text if len(text) <= 120 else text[:119] + "…"


def _text(tree: Tree, outer: int = 0) -> str:
    text = _bare(tree)
    return f"({text})" if _BINDING.get(tree[0], _PRIMARY) < outer else text


def _bare(tree: Tree) -> str:
    kind = tree[0]
    if kind in ("&&", "||"):
        return f" {kind} ".join(_text(each, _BINDING[kind] + 1) for each in tree[1:])
    if kind in COMPARISONS or kind in ARITHMETIC:
        strength = _BINDING[kind]
        return f"{_text(tree[1], strength)} {kind} {_text(tree[2], strength + 1)}"
    if kind == "?:":
        return f"{_text(tree[1], 2)} ? {_text(tree[2], 2)} : {_text(tree[3], 1)}"
    if kind in ("!", "negate"):
        return ("!" if kind == "!" else "-") + _text(tree[1], _BINDING[kind])
    return _primary(tree)


def _primary(tree: Tree) -> str:  # noqa: PLR0911 -- a case for each node
    match tree:
        case ["null"]:
            return "null"
        case ["bool" | "int" | "double" | "string", value]:
            return json.dumps(value, ensure_ascii=False)
        case ["name", name]:
            return str(name)
        case ["select", operand, field]:
            return f"{_text(operand, _PRIMARY)}.{field}"
        case ["index", operand, key]:
            return f"{_text(operand, _PRIMARY)}[{_text(key)}]"
        case ["has", operand, field]:
            return f"has({_text(operand, _PRIMARY)}.{field})"
        case ["list", items]:
            return f"[{_joined(items)}]"
        case ["map", entries]:
            pairs = (
                f"{json.dumps(key, ensure_ascii=False)}: {_text(value)}" for key, value in entries
            )
            return f"{{{', '.join(pairs)}}}"
        case ["call", name, [receiver, *rest]] if name in _METHODS or name.startswith("get"):
            return f"{_text(receiver, _PRIMARY)}.{name}({_joined(rest)})"
        case ["call", name, arguments]:
            return f"{name}({_joined(arguments)})"
        case ["loop", name, operand, variable, bodies]:
            return f"{_text(operand, _PRIMARY)}.{name}({variable}, {_joined(bodies)})"
    return str(tree[0])


def _joined(trees: list[Tree]) -> str:
    return ", ".join(_text(each) for each in trees)
