"""DynamoDB's update and condition expressions, as far as definitions use them.

A condition becomes the store's own conditions, so that the store decides, as DynamoDB does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.simulation.machines.errors import StateError, UnsupportedError
from stepwell.storage.operations import AnyOf, Condition, Conditions, Item, absent, equals, exists

Values = Mapping[str, Any]
"""`:name` to a plain JSON value."""
MakeConditions = Callable[[Values], Conditions]
Changes = Callable[[Item, Values], dict[str, Any]]
"""The attributes to set, given the item as it is."""

_TERM = re.compile(
    r"(?:(?P<function>attribute_not_exists|attribute_exists)\((?P<tested>#\w+)\)"
    r"|(?P<left>#\w+) = (?P<right>:\w+))"
)
_GROUP = re.compile(r"\(((?:[^()]|\(#\w+\))*)\)")
_SETTING = re.compile(
    r"(?P<target>#\w+) = (?:(?P<value>:\w+)|(?P<copied>#\w+)"
    r"|if_not_exists\((?P<kept>#\w+), (?P<otherwise>:\w+)\))"
)


@dataclass(frozen=True, slots=True)
class _Test:
    """One term; `value` None tests for presence or absence."""

    function: str
    attribute: str
    value: str | None

    def condition(self, values: Values) -> Condition:
        if self.value is not None:
            return equals(self.attribute, values[self.value])
        return (
            exists(self.attribute)
            if self.function == "attribute_exists"
            else absent(self.attribute)
        )


def compile_condition(text: str, names: Mapping[str, str]) -> MakeConditions:
    """Terms joined by AND, some of them alternatives in parentheses. Raises UnsupportedError."""
    clauses: list[list[_Test]] = []
    rest = text
    while rest:
        clause, rest = _clause(rest, names, text)
        clauses.append(clause)
        if rest and not rest.startswith(" AND "):
            raise UnsupportedError(f"the condition {text!r}")
        rest = rest.removeprefix(" AND ")
    return lambda values: tuple(_joined(clause, values) for clause in clauses)


def _clause(rest: str, names: Mapping[str, str], text: str) -> tuple[list[_Test], str]:
    """The first clause's alternatives, and what follows it."""
    found = _GROUP.match(rest) or _TERM.match(rest)
    if found is None:
        raise UnsupportedError(f"the condition {text!r}")
    terms = found[1].split(" OR ") if found.re is _GROUP else [found.group()]
    return [_test(term, names, text) for term in terms], rest[found.end() :]


def _test(term: str, names: Mapping[str, str], text: str) -> _Test:
    found = _TERM.fullmatch(term)
    if found is None:
        raise UnsupportedError(f"the condition {text!r}")
    attribute = _name(found["tested"] or found["left"], names)
    return _Test(found["function"] or "=", attribute, found["right"])


def _joined(clause: list[_Test], values: Values) -> Condition | AnyOf:
    conditions = [test.condition(values) for test in clause]
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))


def compile_update(text: str, names: Mapping[str, str]) -> Changes:
    """`SET a = :b, …`. Raises UnsupportedError."""
    verb, _, rest = text.partition(" ")
    settings = []
    while verb == "SET" and rest:
        found = _SETTING.match(rest)
        if found is None:
            break
        settings.append((_name(found["target"], names), _operand(found, names)))
        rest = rest[found.end() :].removeprefix(", ")
    if rest or not settings:
        raise UnsupportedError(f"the update {text!r}")
    return lambda item, values: {target: operand(item, values) for target, operand in settings}


def _operand(found: re.Match[str], names: Mapping[str, str]) -> Callable[[Item, Values], Any]:
    if value := found["value"]:
        return lambda _, values: values[value]
    if found["copied"]:
        copied = _name(found["copied"], names)
        return lambda item, _: _present(item, copied)
    kept, otherwise = _name(found["kept"], names), found["otherwise"]
    return lambda item, values: item[kept] if kept in item else values[otherwise]


def _present(item: Item, attribute: str) -> Any:
    """DynamoDB refuses an update that reads an attribute which is not there."""
    if attribute not in item:
        raise StateError("DynamoDb.DynamoDbException", f"the item has no attribute {attribute}")
    return item[attribute]


def _name(placeholder: str, names: Mapping[str, str]) -> str:
    if placeholder not in names:
        raise UnsupportedError(f"the name {placeholder}, which ExpressionAttributeNames lacks")
    return names[placeholder]
