"""The intrinsic functions that the compiler writes, such as `States.Format('…{}', $.a)`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.simulation.machines.errors import UnsupportedError, runtime
from stepwell.simulation.machines.paths import Frame, Read, compile_path

_TOKEN = re.compile(
    r"\s*(?:(?P<call>States\.\w+)\(|(?P<text>'(?:[^'\\]|\\.)*')|(?P<path>\$[\w.$]*)"
    r"|(?P<number>-?\d+)|(?P<word>true|false|null)|(?P<mark>[,)]))"
)
to_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""JSON as Step Functions writes it."""
_WORDS = {"true": True, "false": False, "null": None}


def compile_expression(text: str) -> Read:
    """A path or a call. Raises UnsupportedError."""
    if not text.startswith("States."):
        return compile_path(text)
    read, end = _argument(text, 0)
    if text[end:].strip():
        raise UnsupportedError(f"the expression {text!r}")
    return read


def _argument(text: str, start: int) -> tuple[Read, int]:
    found = _TOKEN.match(text, start)
    if found is None or found["mark"]:
        raise UnsupportedError(f"the expression {text!r}")
    end = found.end()
    if found["call"]:
        return _call(found["call"], text, end)
    if found["path"]:
        return compile_path(found["path"]), end
    if found["text"]:
        return _constant(re.sub(r"\\(.)", r"\1", found["text"][1:-1])), end
    return _constant(int(found["number"]) if found["number"] else _WORDS[found["word"]]), end


def _call(name: str, text: str, start: int) -> tuple[Read, int]:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise UnsupportedError(f"the intrinsic function {name}")
    arguments: list[Read] = []
    while True:
        read, start = _argument(text, start)
        arguments.append(read)
        mark = _TOKEN.match(text, start)
        if mark is None or not mark["mark"]:
            raise UnsupportedError(f"the expression {text!r}")
        start = mark.end()
        if mark["mark"] == ")":
            break

    def call(frame: Frame) -> Any:
        try:
            return function(*[argument(frame) for argument in arguments])
        except (TypeError, ValueError, AttributeError) as error:
            raise runtime(f"{name} failed: {error}") from error

    return call, start


def _constant(value: Any) -> Read:
    return lambda _: value


def _format(pattern: str, *values: Any) -> str:
    parts = pattern.split("{}")
    if len(parts) != len(values) + 1:
        raise ValueError("as many arguments as pairs of braces are expected")
    shown = [each if isinstance(each, str) else to_text(each) for each in values]
    return parts[0] + "".join(value + part for value, part in zip(shown, parts[1:], strict=True))


def _merge(first: Mapping[str, Any], second: Mapping[str, Any], deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise ValueError("only shallow merging exists")
    return {**first, **second}


def _add(first: int, second: int) -> int:
    return first + second


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "States.Format": _format,
    "States.JsonToString": to_text,
    "States.StringToJson": json.loads,
    "States.JsonMerge": _merge,
    "States.MathAdd": _add,
}
