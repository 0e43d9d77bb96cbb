"""Reads a condition's text into the tree that `stepwell.conditions.tree` describes.

cel-python gives the syntax tree by the official grammar; this module takes over the part of CEL
that Stepwell evaluates, and refuses the rest by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from stepwell.conditions.functions import FUNCTIONS
from stepwell.conditions.tree import LOOPS, MAX_DEPTH, MAX_NODES, Tree
from stepwell.journeys.compiler.cel.refusals import HISTORY, declared_instead, refusal
from stepwell.journeys.compiler.cel.scanner import (
    ConditionSyntaxError,
    error_at,
    scan,
    text_value,
)
from stepwell.journeys.compiler.problems import suggest

__all__ = ["ConditionSyntaxError", "parse"]

_RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
        "true",
        "false",
        "null",
    ]
)
_CONVERSIONS = frozenset({"timestamp", "duration", "int", "double", "string"})
_METHODS = frozenset(FUNCTIONS) - _CONVERSIONS - {"distance_km"}
_GLOBALS = _CONVERSIONS | {"size", "distance_km"}
_OPERATORS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}


def parse(text: str) -> Tree:
    """The condition's tree. Raises ConditionSyntaxError, with line, column and message."""
    scan(text)
    return _Reader(text).read(_grammar_tree(text), MAX_DEPTH)


def _grammar_tree(text: str) -> Any:
    from celpy.celparser import CELParseError, CELParser  # noqa: PLC0415 -- a third of a second

    try:
        return CELParser().parse(text)
    except CELParseError as problem:
        position = _index_of(text, problem.line or 0, problem.column or 0)
        token = getattr(problem.__context__, "token", None)
        if token is not None and token.type == "$END":
            raise error_at(text, len(text.rstrip()), "the condition ends too early") from None
        word = text[position:].split(maxsplit=1)[0][:20]
        raise error_at(text, position, f"not expected here: {word}") from None


def _index_of(text: str, line: int, column: int) -> int:
    """The character's index; the end of the text for a place that is none."""
    lines = text.split("\n")
    if not 1 <= line <= len(lines) or column < 1:
        return len(text)
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1


class _Reader:
    """Walks the grammar's tree. Rules that only pass one child on are skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._nodes = 0

    def read(self, rule: Any, levels: int) -> Tree:
        while len(rule.children) == 1 and rule.data in _PASSED_ON:
            rule = rule.children[0]
        self._nodes += 1
        if levels == 0:
            self._fail(rule, f"the condition is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            self._fail(rule, f"the condition has more than {MAX_NODES} parts")
        return _RULES[rule.data](self, rule, levels - 1)

    def _fail(self, rule: Any, message: str) -> NoReturn:
        place = rule if hasattr(rule, "line") else rule.meta
        raise ConditionSyntaxError(getattr(place, "line", 1), getattr(place, "column", 1), message)

    def choice(self, rule: Any, levels: int) -> Tree:
        return ["?:", *(self.read(each, levels) for each in rule.children)]

    def logic(self, rule: Any, levels: int) -> Tree:
        """A chain `a && b && c` leans to the left in the grammar and is one node here."""
        operands = []
        link = rule
        while link.data == rule.data and len(link.children) == 2:
            operands.append(link.children[1])
            link = link.children[0]
        symbol = "||" if rule.data == "conditionalor" else "&&"
        return [symbol, *(self.read(each, levels) for each in [link, *reversed(operands)])]

    def binary(self, rule: Any, levels: int) -> Tree:
        left, right = rule.children
        symbol = _OPERATORS[left.data]
        return [symbol, self.read(left.children[0], levels), self.read(right, levels)]

    def unary(self, rule: Any, levels: int) -> Tree:
        mark, operand = rule.children
        kind = "!" if mark.data == "unary_not" else "negate"
        return [kind, self.read(operand, levels)]

    def select(self, rule: Any, levels: int) -> Tree:
        operand, field = rule.children
        return ["select", self.read(operand, levels), str(field)]

    def index(self, rule: Any, levels: int) -> Tree:
        return ["index", *(self.read(each, levels) for each in rule.children)]

    def name(self, rule: Any, _levels: int) -> Tree:
        (name,) = rule.children
        if name in _RESERVED:
            self._fail(name, f"{name} is a reserved word of CEL")
        return ["name", str(name)]

    def list_literal(self, rule: Any, levels: int) -> Tree:
        return ["list", [self.read(each, levels) for each in _items(rule.children)]]

    def map_literal(self, rule: Any, levels: int) -> Tree:
        parts = _items(rule.children)
        entries: list[list[Any]] = []
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            name = self.read(key, levels)
            if name[0] != "string":
                self._fail(key, "a key of a map has to be a text, as in JSON")
            if any(name[1] == known for known, _ in entries):
                self._fail(key, f'the key "{name[1]}" is there twice')
            entries.append([name[1], self.read(value, levels)])
        return ["map", entries]

    def call(self, rule: Any, levels: int) -> Tree:
        name, *rest = rule.children
        arguments = _items(rest)
        if name == "has":
            return self._has(rule, arguments, levels)
        if name in HISTORY:
            read = [self.read(each, levels) for each in arguments]
            self._fail(name, declared_instead(str(name), read))
        self._check_call(name, len(arguments), _GLOBALS)
        return ["call", str(name), [self.read(each, levels) for each in arguments]]

    def method(self, rule: Any, levels: int) -> Tree:
        receiver, name, *rest = rule.children
        arguments = _items(rest)
        if name in LOOPS:
            return self._loop(rule, receiver, arguments, levels)
        self._check_call(name, len(arguments) + 1, _METHODS)
        return ["call", str(name), [self.read(each, levels) for each in [receiver, *arguments]]]

    def _check_call(self, name: Any, count: int, known: frozenset[str]) -> None:
        reason = refusal(str(name))
        if reason:
            self._fail(name, reason)
        if name in FUNCTIONS and name not in known:
            form = f"{name}(x)" if known is _METHODS else f"x.{name}(…)"
            self._fail(name, f"{name} is written {form}")
        if name not in FUNCTIONS:
            hint = suggest(str(name), known | set(LOOPS))
            self._fail(name, f"there is no function {name}(). {hint}")
        if count not in FUNCTIONS[name][1]:
            self._fail(name, f"{name}() does not take that many arguments")

    def _has(self, rule: Any, arguments: list[Any], levels: int) -> Tree:
        field = self.read(arguments[0], levels) if len(arguments) == 1 else [""]
        if field[0] != "select":
            self._fail(rule, "has() takes one field, as in has(event.properties.total)")
        return ["has", field[1], field[2]]

    def _loop(self, rule: Any, receiver: Any, arguments: list[Any], levels: int) -> Tree:
        name = str(rule.children[1])
        if len(arguments) not in ((2, 3) if name == "map" else (2,)):
            self._fail(
                rule.children[1],
                f"{name}() takes a variable and a condition, as in {name}(x, x > 1)",
            )
        variable = self.read(arguments[0], levels)
        if variable[0] != "name":
            self._fail(arguments[0], f"the first argument of {name}() is a variable's name")
        bodies = [self.read(each, levels) for each in arguments[1:]]
        return ["loop", name, self.read(receiver, levels), variable[1], bodies]

    def literal(self, rule: Any, _levels: int) -> Tree:
        (token,) = rule.children
        read = _LITERALS.get(token.type)
        if read is None:
            self._fail(token, "Stepwell has neither bytes nor unsigned numbers, like JSON")
        try:
            return read(str(token))
        except ValueError as problem:
            self._fail(token, str(problem))

    def refuse(self, rule: Any, _levels: int) -> Tree:
        self._fail(rule, _REFUSED_RULES[rule.data])


def _items(children: list[Any]) -> list[Any]:
    """The expressions in a list of the grammar, which is absent when it is empty."""
    return list(children[0].children) if children else []


def _int(digits: str) -> Tree:
    value = int(digits, 16 if "x" in digits else 10)
    if not -(2**63) <= value < 2**63:
        raise ValueError("an int has 64 bits; write a double, with a point")
    return ["int", value]


def _double(digits: str) -> Tree:
    value = float(digits)
    if abs(value) == float("inf"):
        raise ValueError("the number is too large")
    return ["double", value]


def _string(literal: str) -> Tree:
    return ["string", text_value(literal)]


_LITERALS: dict[str, Callable[[str], Tree]] = {
    "NULL_LIT": lambda _: ["null"],
    "BOOL_LIT": lambda word: ["bool", word == "true"],
    "INT_LIT": _int,
    "FLOAT_LIT": _double,
    "STRING_LIT": _string,
    "MLSTRING_LIT": _string,
}
_PASSED_ON = frozenset(
    [
        "expr",
        "conditionalor",
        "conditionaland",
        "relation",
        "addition",
        "multiplication",
        "unary",
        "member",
        "primary",
        "paren_expr",
    ]
)
_REFUSED_RULES = {
    "member_object": 'conditions cannot make messages; a map is written {"key": value}',
    "dot_ident": "a name does not begin with a point",
    "dot_ident_arg": "a name does not begin with a point",
}
_RULES: dict[str, Callable[[_Reader, Any, int], Tree]] = {
    "expr": _Reader.choice,
    "conditionalor": _Reader.logic,
    "conditionaland": _Reader.logic,
    "relation": _Reader.binary,
    "addition": _Reader.binary,
    "multiplication": _Reader.binary,
    "unary": _Reader.unary,
    "member_dot": _Reader.select,
    "member_index": _Reader.index,
    "member_dot_arg": _Reader.method,
    "ident_arg": _Reader.call,
    "ident": _Reader.name,
    "list_lit": _Reader.list_literal,
    "map_lit": _Reader.map_literal,
    "literal": _Reader.literal,
    **dict.fromkeys(_REFUSED_RULES, _Reader.refuse),
}
