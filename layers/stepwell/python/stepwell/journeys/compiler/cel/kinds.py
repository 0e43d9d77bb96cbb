"""The types of conditions, and what names a condition may use.

Besides CEL's own types there are three: a `record` is a map whose fields are known (an event's
properties, by its schema); `json` is any JSON value, so never an int, a timestamp or a duration;
`any` may be anything, also after a mistake that has been reported already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Type:
    """`element` is that of a list or map; `fields` and `place` are a record's.

    `place` says where the fields are declared, for messages: `the schema of "Product Added"`.
    `absent` are fields that a project could have and has not, each with what to do to have it.
    """

    kind: str
    element: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict, hash=False)
    place: str = ""
    absent: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)

    def __str__(self) -> str:
        if self.element is not None:
            return f"{self.kind}({self.element})"
        return {"record": "map", "any": "dyn"}.get(self.kind, self.kind)

    @property
    def unsure(self) -> bool:
        """Only the evaluation will tell."""
        return self.kind in ("json", "any")


Environment = Mapping[str, Type]
"""The names that a condition may begin with, and their types."""

BOOL = Type("bool")
INT = Type("int")
DOUBLE = Type("double")
STRING = Type("string")
NULL = Type("null")
TIMESTAMP = Type("timestamp")
DURATION = Type("duration")
JSON = Type("json")
ANY = Type("any")


def list_of(element: Type) -> Type:
    return Type("list", element)


def map_of(element: Type) -> Type:
    """Keys are texts."""
    return Type("map", element)


def record(fields: Mapping[str, Type], place: str, absent: Mapping[str, str] | None = None) -> Type:
    return Type("record", None, fields, place, absent or {})


def joined(types: list[Type]) -> Type:
    """The type of something that is one of these; `any` if they differ."""
    first = types[0] if types else ANY
    return first if all(each == first for each in types) else ANY


def element_of(container: Type) -> Type:
    """What a loop binds: a list's elements, a map's keys."""
    if container.kind in ("map", "record"):
        return STRING
    return container.element or (JSON if container.kind == "json" else ANY)


_JSON_KINDS = frozenset({"null", "bool", "double", "string", "list", "map", "record"})
_MAPS = frozenset({"map", "record"})


def may_be_equal(left: Type, right: Type) -> bool:
    """Whether values of these types can be equal at all."""
    if "any" in (left.kind, right.kind):
        return True
    if left.kind == "json" or right.kind == "json":
        other = right if left.kind == "json" else left
        return other.kind in _JSON_KINDS or other.kind in ("int", "json")
    numbers = {"int", "double"}
    return (
        left.kind == right.kind
        or {left.kind, right.kind} <= numbers
        or {left.kind, right.kind} <= _MAPS
    )


def may_be_ordered(left: Type, right: Type) -> bool:
    """Whether `<` can compare values of these types."""
    unordered = {"null", "list", "map", "record"}
    if left.kind in unordered or right.kind in unordered:
        return False
    return may_be_equal(left, right)
