"""The event registry as ingest holds events to it: a JSON Schema for each version of each event.

Schemas are of draft 2020-12, with `format` asserted and with regular expressions that take linear
time, so that no schema and no value can keep a function busy. What a schema refers to lies in it:
nothing is fetched. Pure but for the validator, which is loaded when the first event is checked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from stepwell.events.told import OF_THE_ENGINE

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

    from stepwell.events.model import EventType

Schema = Mapping[str, Any]
Problem = tuple[str, str]
"""A field's path in the call, and what is wrong with it."""

MAX_PROBLEMS = 20
"""Of one event; a sender that has put these right sees the others."""
MAX_COMPARISONS = 50_000
"""Parts of an event times parts of its schema, up to which all that is wrong is looked for. Beyond
it the first problem is told: each form of an `anyOf` that does not fit is an error of its own, and
a list of thousands under hundreds of forms would take gigabytes.
"""
VERSION_FIELD = "context.protocols.event_version"


class UnknownEvents(StrEnum):
    """What becomes of an event whose name the registry does not have."""

    ACCEPT = "accept"
    QUARANTINE = "quarantine"


class RegistryUnavailableError(Exception):
    """The registry cannot be read just now, so that nothing can be checked."""


@dataclass(frozen=True, slots=True)
class Registry:
    """`events`: name -> version -> schema of the properties. `version` names all that it holds."""

    events: Mapping[str, Mapping[int, Schema]] = field(default_factory=dict)
    version: str = ""
    unknown: UnknownEvents = UnknownEvents.ACCEPT
    kept_back: frozenset[str] = frozenset()
    """Names that senders may not use."""
    _validators: dict[tuple[str, int], Draft202012Validator] = field(
        default_factory=dict, repr=False, compare=False
    )

    def problems(
        self, kind: EventType, name: str, properties: Mapping[str, Any], context: Mapping[str, Any]
    ) -> list[Problem]:
        """What is wrong with an event, as far as the registry knows it; empty for a good one."""
        versions = self.events.get(name)
        if versions is None:
            if self.unknown is UnknownEvents.ACCEPT:
                return []
            said = f'the registry has no event "{name}"'
            return [("event" if kind == "track" else "type", said)]
        try:
            version = _version(context, versions)
        except ValueError as error:
            return [(VERSION_FIELD, str(error))]
        return self._broken(name, version, properties)

    def _broken(self, name: str, version: int, properties: Mapping[str, Any]) -> list[Problem]:
        validator = self._validators.get((name, version))
        if validator is None:
            validator = validator_of(self.events[name][version])
            self._validators[name, version] = validator
        if validator.is_valid(properties):
            return []
        # SDKs of typed languages send null for what there is none of.
        kept = _without_nulls(properties)
        if validator.is_valid(kept):
            return []
        if _parts(kept) * schema_parts(self.events[name][version]) > MAX_COMPARISONS:
            found = _first_error(validator, kept)
        else:
            kept = _without_refused_nulls(validator, properties)
            found = validator.iter_errors(kept)
        problems = (problem for error in found for problem in _told(error))
        return list(islice(problems, MAX_PROBLEMS))


def load_registry(text: str, version: str, unknown: UnknownEvents) -> Registry:
    """Read a compiled registry: `{"events": {"<name>": {"<version>": <schema>}}}`."""
    events = json.loads(text)["events"]
    return Registry(
        {
            name: {int(number): schema for number, schema in versions.items()}
            for name, versions in events.items()
        },
        version,
        unknown,
        OF_THE_ENGINE,
    )


def validator_of(schema: Schema) -> Draft202012Validator:
    """Raises ValueError for a schema that is none, or that cannot be held to what is said above."""
    import jsonschema_rs  # noqa: PLC0415 - only who checks an event pays for it

    return jsonschema_rs.Draft202012Validator(
        dict(schema),
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=jsonschema_rs.RegexOptions(),
        offline=True,
    )


def default_version(versions: Mapping[int, Any]) -> int:
    """Of an event that names none: the oldest there is. Whoever began to send it before there were
    others never named one, and goes on so.
    """
    return min(versions)


def schema_parts(schema: Schema) -> int:
    """How many objects a schema is, with each `$ref` to its definitions written out."""
    defined: Mapping[str, Any] = schema.get("$defs", {})
    sizes: dict[str, int] = {}

    def size(part: Any) -> int:
        if isinstance(part, list):
            return sum(map(size, part))
        if not isinstance(part, Mapping):
            return 0
        reference = part.get("$ref")
        own = referred(reference) if isinstance(reference, str) else 0
        return 1 + own + sum(size(each) for name, each in part.items() if name != "$defs")

    def referred(reference: str) -> int:
        if reference not in sizes:
            sizes[reference] = size(defined.get(reference.rpartition("/")[2]))
        return sizes[reference]

    return size(schema)


def _parts(value: Any) -> int:
    """How many values a value is."""
    if isinstance(value, dict):
        return 1 + sum(map(_parts, value.values()))
    return 1 + sum(map(_parts, value)) if isinstance(value, list) else 1


def _first_error(validator: Draft202012Validator, value: Any) -> Iterator[ValidationError]:
    import jsonschema_rs  # noqa: PLC0415 - it is loaded: there is a validator

    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        yield error


def _version(context: Mapping[str, Any], versions: Mapping[int, Any]) -> int:
    """The version that an event names, as Segment's Protocols do: a number, or a text of one."""
    protocols = context.get("protocols")
    given = protocols.get("event_version") if isinstance(protocols, Mapping) else None
    if given is None or given == "":
        return default_version(versions)
    if isinstance(given, str) and given.isascii() and given.isdecimal():
        given = int(given[:10])
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given):
        raise ValueError("must be a whole number, such as 2")
    if given not in versions:
        known = ", ".join(map(str, sorted(versions)))
        raise ValueError(f"there is no such version of this event; there is {known}")
    return int(given)


def _without_refused_nulls(validator: Draft202012Validator, value: Any) -> Any:
    """Without the nulls that the schema does not take; it may ask for others."""
    refused = {
        tuple(error.instance_path)
        for error in validator.iter_errors(value)
        if _at(value, error.instance_path) is None
    }
    return _without(value, refused, ())


def _at(value: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        value = value[part]
    return value


def _without(value: Any, places: set[tuple[str | int, ...]], place: tuple[str | int, ...]) -> Any:
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if (*place, name) not in places}
        return {name: _without(each, places, (*place, name)) for name, each in kept.items()}
    if isinstance(value, list):
        return [_without(each, places, (*place, index)) for index, each in enumerate(value)]
    return value


def _without_nulls(value: Any) -> Any:
    """Members that are null are as good as left out; a list's null is a value."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def _told(error: ValidationError) -> Iterator[Problem]:
    """The problem in words that repeat no value: values may be personal, and answers are logged."""
    path, keyword, value = error.instance_path, error.kind.name, error.kind.value
    if keyword == "required":
        yield _path([*path, value]), "is required"
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        for name in value:
            yield _path([*path, name]), "is a property that the event does not have"
    else:
        yield _path(path), _SAID.get(keyword, _other(keyword))(value)


def _path(parts: Sequence[str | int]) -> str:
    """`properties.products[0].price`."""
    return "properties" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts
    )


def _types(value: Any) -> str:
    named = [_TYPES.get(str(each), str(each)) for each in value]
    return f"must be {' or '.join(named)}"


def _other(keyword: str) -> Callable[[Any], str]:
    return lambda _: f"breaks the rule `{keyword}` of the event's schema"


def _shown(value: Any) -> str:
    """A part of the schema, which may be long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"


_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_SAID: Mapping[str, Callable[[Any], str]] = {
    "type": _types,
    "enum": lambda value: f"must be one of {', '.join(map(_shown, value[:20]))}",
    "const": lambda value: f"must be {_shown(value)}",
    "pattern": lambda value: f"must match {value}",
    "format": lambda value: f"must be a {value}",
    "minimum": lambda value: f"must be at least {value}",
    "maximum": lambda value: f"must be at most {value}",
    "exclusiveMinimum": lambda value: f"must be more than {value}",
    "exclusiveMaximum": lambda value: f"must be less than {value}",
    "multipleOf": lambda value: f"must be a multiple of {value}",
    "minLength": lambda value: f"must have at least {value} characters",
    "maxLength": lambda value: f"must have at most {value} characters",
    "minItems": lambda value: f"must have at least {value} items",
    "maxItems": lambda value: f"must have at most {value} items",
    "uniqueItems": lambda _: "must not have an item twice",
    "minProperties": lambda value: f"must have at least {value} properties",
    "maxProperties": lambda value: f"must have at most {value} properties",
}
