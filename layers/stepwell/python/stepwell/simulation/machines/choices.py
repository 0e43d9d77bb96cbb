"""The rules of a Choice state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepwell.simulation.machines.errors import StateError, UnsupportedError
from stepwell.simulation.machines.paths import Frame, Read, compile_path

Test = Callable[[Frame], bool]


def compile_rule(rule: Mapping[str, Any]) -> Test:
    """Raises UnsupportedError for an operator that is not known here."""
    match {key: value for key, value in rule.items() if key not in {"Next", "Comment"}}:
        case {"And": parts, **others} if not others:
            every = [compile_rule(part) for part in parts]
            return lambda frame: _all_hold(every, frame)
        case {"Or": parts, **others} if not others:
            some = [compile_rule(part) for part in parts]
            return lambda frame: not _all_hold(some, frame, wanted=False)
        case {"Not": part, **others} if not others:
            negated = compile_rule(part)
            return lambda frame: not negated(frame)
        case {"Variable": path, **others} if len(others) == 1:
            ((operator, operand),) = others.items()
            return _comparison(compile_path(path), operator, operand)
    raise UnsupportedError(f"the choice rule with {', '.join(sorted(rule))}")


def _all_hold(tests: Sequence[Test], frame: Frame, *, wanted: bool = True) -> bool:
    """Whether each test answers as wanted; AWS stops at the first that does not."""
    for test in tests:  # noqa: SIM110 - runs at every Choice, and twice as fast as `all`
        if test(frame) is not wanted:
            return False
    return True


def _comparison(variable: Read, operator: str, operand: Any) -> Test:
    match operator:
        case "IsPresent":
            return lambda frame: _is_present(variable, frame) is operand
        case "StringEquals":
            return lambda frame: bool(variable(frame) == operand)
        case "StringEqualsPath":
            other = compile_path(operand)
            return lambda frame: _same_text(variable(frame), other(frame))
        case "StringMatches":
            matches = _pattern(operand)
            return lambda frame: matches(variable(frame))
        case "NumericGreaterThanEquals":
            return lambda frame: _at_least(variable(frame), operand)
    raise UnsupportedError(f"the choice operator {operator}")


def _is_present(variable: Read, frame: Frame) -> bool:
    try:
        variable(frame)
    except StateError:
        return False
    return True


def _same_text(first: Any, second: Any) -> bool:
    return isinstance(first, str) and bool(first == second)


def _at_least(value: Any, limit: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= limit


def _pattern(text: str) -> Callable[[Any], bool]:
    r"""`*` stands for any text; `\*` and `\\` for the characters themselves."""
    inner = text[1:-1]
    if text.startswith("*") and text.endswith("*") and not re.search(r"[*\\]", inner):
        return lambda value: isinstance(value, str) and inner in value
    parts = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    shown = [
        ".*" if part == "*" else re.escape(re.sub(r"\\([*\\])", r"\1", part)) for part in parts
    ]
    pattern = re.compile("".join(shown), re.DOTALL)
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None
