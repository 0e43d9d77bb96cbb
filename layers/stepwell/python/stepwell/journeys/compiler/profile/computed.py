"""Reads `computed:` of profile.yaml: what each trait is computed from, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.journeys.compiler.cel.kinds import (
    ANY,
    BOOL,
    DOUBLE,
    INT,
    JSON,
    STRING,
    TIMESTAMP,
    Environment,
    Type,
    list_of,
    record,
)
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.profile.declared import Declared
from stepwell.journeys.compiler.profile.documents import ComputedDocument, wrong_name
from stepwell.journeys.compiler.source import DataPath
from stepwell.profile.tracks import DAY, FINE_WINDOW, HOUR, KEPT, MAX_TEXT

MAX_BYTES = 100_000
"""Of all computed traits of a customer at their largest: an item of DynamoDB takes 400 KB."""

_OPTIONAL: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("sum", "min", "max", "most_frequent"), frozenset({"where", "within"})),
    "count": frozenset({"where", "within", "since"}),
    "distinct": frozenset({"where", "within", "at_most"}),
    "histogram": frozenset({"where", "within"}),
    "first": frozenset({"where", "value"}),
    "last": frozenset({"where", "value", "within"}),
    "days_since": frozenset({"where"}),
    "ratio": frozenset(),
}
_REQUIRED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("sum", "min", "max", "distinct", "most_frequent"), frozenset({"value"})),
    "ratio": frozenset({"of", "to"}),
}
_NUMBERS = ("sum", "min", "max")
_SCALARS = (STRING, DOUBLE, INT, BOOL)
_OCCURRENCE = 29
"""Characters of a moment and an id."""


def read_computed(
    declared: Declared, given: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Type]]:
    """The section's document, and the type of each trait."""
    documents: list[dict[str, Any]] = []
    types: dict[str, Type] = {}
    for name in given:
        path: DataPath = ("computed", name)
        if (wrong := wrong_name(name)) is not None:
            declared.report(path, "SW1001", wrong, "Rename it.")
            continue
        document = declared.section(path, ComputedDocument)
        if document is None or not _keys_fit(declared, path, document):
            types[name] = ANY
            continue
        found, types[name] = _trait(declared, path, document)
        documents.append({"name": name, **found})
    _check_ratios(declared, documents, given)
    _check_size(declared, documents)
    return documents, types


def _keys_fit(declared: Declared, path: DataPath, document: ComputedDocument) -> bool:
    kind = document.kind
    needed = _REQUIRED.get(kind, frozenset()) | (set() if kind == "ratio" else {"event"})
    given = set(document.model_dump(exclude_none=True)) - {"kind"}
    wrong = {key for key, each in declared.at(path).items() if each is not None}  # and reported
    for name in sorted(needed - given - wrong):
        declared.report(path, "SW1003", f"{kind} needs `{name}`", f"Add `{name}:`.")
    for name in sorted(given - needed - _OPTIONAL[kind]):
        known = ", ".join(sorted(needed | _OPTIONAL[kind]))
        said = f"{kind} has no `{name}`"
        declared.report((*path, name), "SW1003", said, f"{kind} takes {known}.")
    return not needed - given and not given - needed - _OPTIONAL[kind]


def _trait(
    declared: Declared, path: DataPath, document: ComputedDocument
) -> tuple[dict[str, Any], Type]:
    found: dict[str, Any] = document.model_dump(exclude_none=True)
    if document.kind == "ratio":
        return found, DOUBLE
    for key in ("event", "since"):
        if key in found:
            _check_event(declared, (*path, key), found[key])
    names = _environments(declared, found["event"])
    value = TIMESTAMP
    for key in ("where", "value"):
        if key not in found:
            continue
        tree = declared.parsed((*path, key), found[key])
        kinds = declared.checked((*path, key), tree, names, decides=key == "where")
        if key == "value":
            in_version = dict(zip(names, kinds, strict=False))  # none of an unreadable tree
            _check_value(declared, (*path, key), document.kind, in_version)
            value = kinds[0] if len(set(kinds)) == 1 else ANY
        found[key] = tree
    return found, _type(document, value)


def _check_event(declared: Declared, path: DataPath, name: str) -> None:
    registry = declared.registry
    if registry is not None and name not in registry.names():
        remedy = f"{registry.suggestion(name)} Or add its schema to events/schemas/."
        declared.report(path, "SW501", f"there is no event {name!r}", remedy)


def _environments(declared: Declared, event: str) -> dict[str, Environment]:
    """By version of the event. It alone: what is computed from the archive knows nothing else."""
    if declared.registry is None:
        return {}
    found = declared.registry.environments(event=event)
    return {version: {"event": each["event"]} for version, each in found.items()}


def _check_value(declared: Declared, path: DataPath, kind: str, found: Mapping[str, Type]) -> None:
    """It has to fit in every version of the event: a type may have changed."""
    for version, each in found.items():
        if each.unsure:
            continue
        where = f"{each} in {version}" if version else f"{each}"
        if kind in _NUMBERS and each not in (DOUBLE, INT):
            said = f"{kind} takes numbers, and this is {where}"
            remedy = "Give a number, such as event.properties.revenue."
            declared.report(path, "SW1007", said, remedy)
        elif each not in _SCALARS:
            said = f"{kind} takes a text, a number or true and false, and this is {where}"
            declared.report(path, "SW1007", said, "Take one value out of it, or string(…).")


def _type(document: ComputedDocument, value: Type) -> Type:
    match document.kind:
        case "first" | "last":
            return value
        case "most_frequent":
            return record({"value": value, "count": DOUBLE}, "a most frequent value")
        case "histogram":
            lists = ("by_hour", "by_weekday", "by_hour_of_week")
            fields = {"count": DOUBLE, **dict.fromkeys(lists, list_of(DOUBLE))}
            return record(fields, "a histogram")
        case "min" | "max":
            return DOUBLE if value in (DOUBLE, INT) else JSON
    return DOUBLE


def _check_ratios(
    declared: Declared, documents: list[dict[str, Any]], given: Mapping[str, Any]
) -> None:
    numbers = {each["name"] for each in documents if each["kind"] in ("count", "sum", "distinct")}
    for each in documents:
        for key in ("of", "to") if each["kind"] == "ratio" else ():
            if each[key] not in numbers:
                said = f"{each[key]!r} is no count, sum or distinct"
                known = suggest(each[key], numbers)
                remedy = known if each[key] not in given else f"A ratio is of such. {known}"
                declared.report(("computed", each["name"], key), "SW1004", said, remedy)


def _check_size(declared: Declared, documents: list[dict[str, Any]]) -> None:
    sizes = {each["name"]: size_of(each) for each in documents}
    total = sum(sizes.values())
    if total > MAX_BYTES:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
        said = f"a customer's computed traits may come to {total:,} bytes; {MAX_BYTES:,} have room"
        shown = ", ".join(f"{name} ({sizes[name]:,})" for name in largest)
        remedy = f"The largest: {shown}. A window costs most; without one it is a few numbers."
        declared.report(("computed",), "SW1006", said, remedy)


def size_of(trait: Mapping[str, Any]) -> int:
    """Characters of what is kept of one trait, at most."""
    return sum(_parts(trait))


def _parts(trait: Mapping[str, Any]) -> Iterator[int]:
    kind = trait["kind"]
    value = 0 if "value" not in trait else 20 if kind in _NUMBERS else MAX_TEXT + 3
    if kind == "ratio":
        return
    yield 30
    if kind == "distinct":
        yield trait.get("at_most", KEPT) * (value + 20)
    elif kind in ("most_frequent", "histogram") or "since" in trait:
        yield KEPT * (_OCCURRENCE + value)
        yield 168 * 9 if kind == "histogram" and "within" not in trait else 0
    elif "within" in trait and kind != "last":
        yield KEPT * (_OCCURRENCE + value)
        window = trait["within"] * 1000
        grain = HOUR if window <= FINE_WINDOW else DAY
        yield (window // grain + 2) * (14 + (40 if kind in _NUMBERS else 0))
    else:
        yield 2 * (_OCCURRENCE + value) + 60
