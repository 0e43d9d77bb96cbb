"""DynamoDB expressions from conditions and changes, with every name and value substituted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.storage.operations import AnyOf, Condition, Conditions, Test


class Expression:
    """Collects the names and values that the expressions of one request use."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def update(
        self, changes: Mapping[str, Any], removed: tuple[str, ...], added: Mapping[str, int]
    ) -> str:
        parts = []
        if changes:
            pairs = (
                f"{self._name(name)} = {self._value(value)}" for name, value in changes.items()
            )
            parts.append("SET " + ", ".join(pairs))
        if removed:
            parts.append("REMOVE " + ", ".join(self._name(name) for name in removed))
        if added:
            pairs = (f"{self._name(name)} {self._value(each)}" for name, each in added.items())
            parts.append("ADD " + ", ".join(pairs))
        return " ".join(parts)

    def condition(self, conditions: Conditions) -> str:
        return " AND ".join(self._one(each) for each in conditions)

    def _one(self, condition: Condition | AnyOf) -> str:
        if isinstance(condition, AnyOf):
            return "(" + " OR ".join(self._one(each) for each in condition.conditions) + ")"
        name = self._name(condition.attribute)
        if condition.test is Test.EXISTS:
            return f"attribute_exists({name})"
        if condition.test is Test.ABSENT:
            return f"attribute_not_exists({name})"
        if condition.test is Test.DIFFERS:
            # In DynamoDB an absent attribute differs from any value; here it must not.
            return f"(attribute_exists({name}) AND {name} <> {self._value(condition.value)})"
        return f"{name} {condition.test.value} {self._value(condition.value)}"

    def _name(self, attribute: str) -> str:
        for placeholder, name in self.names.items():
            if name == attribute:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = attribute
        return placeholder

    def _value(self, value: Any) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder
