"""How a published version of an event may change: never so that a sender's event is refused which
was accepted before.

`narrowings` compares two schemas by declared rules and names every one that is broken, with the
path of the value. What the rules do not know how to compare counts as broken unless it is the same:
they never call a change harmless that is not. Annotations are free.

Nothing is promised about a property that a schema names nowhere, though an open one accepts it: a
later schema may name it, with a type. What it names, in whichever part, is in `promised`. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepwell.journeys.compiler.promised import Described, fitting

ANNOTATIONS = frozenset(
    {
        *("$schema", "$comment", "title", "description", "examples", "default", "deprecated"),
        *("readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema"),
    }
)
TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_SAME = (
    *("contains", "minContains", "maxContains", "propertyNames", "dependentRequired"),
    *("dependentSchemas", "not", "oneOf", "if", "then", "else", "patternProperties"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_COUNTED_BY: Mapping[str, tuple[str, ...]] = {
    "unevaluatedProperties": ("properties", "additionalProperties", "anyOf", "allOf"),
    "unevaluatedItems": ("prefixItems", "items", "anyOf", "allOf"),
}
"""Keywords about what is left over by others. Those of them that may only stay are in `_SAME`."""
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
_PLAIN = ("enum", "const", "required", "dependentRequired")
"""Keywords whose value is no schema and has none in it."""
_LEAST = ("minLength", "minItems", "minProperties")
_MOST = ("maxLength", "maxItems", "maxProperties")
_KNOWN = frozenset(
    {
        *ANNOTATIONS,
        *_SAME,
        *_LEAST,
        *_MOST,
        *("type", "enum", "const", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"),
        *("multipleOf", "pattern", "format", "uniqueItems", "required", "properties"),
        *("additionalProperties", "items", "prefixItems", "anyOf", "allOf"),
    }
)


@dataclass(frozen=True, slots=True, order=True)
class Narrowing:
    """`path` of the value, `rule` by name, and what the change is."""

    path: str
    rule: str
    said: str


def narrowings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Narrowing]:
    """Why events that fit the old schema may not fit the new one, each once; none: they all do."""
    before, after = _written_out(old), _written_out(new)
    return sorted(set(_narrowed(before, after, "properties", Described([before]))))


def without_annotations(schema: Any) -> Any:
    """What of a schema events are held to."""
    if isinstance(schema, list):
        return [without_annotations(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _BY_NAME:
            kept[keyword] = {name: without_annotations(each) for name, each in value.items()}
        elif keyword in _PLAIN:
            kept[keyword] = value
        elif keyword not in ANNOTATIONS:
            kept[keyword] = without_annotations(value)
    return kept


def _written_out(schema: Mapping[str, Any]) -> Any:
    """The schema without annotations, each reference replaced by what it leads to. The registry
    takes no schema in which that would not end.
    """
    kept = without_annotations(dict(schema))
    defined = kept.pop("$defs", {})

    def below(keyword: str, value: Any) -> Any:
        if keyword in _BY_NAME:
            return {name: written(each) for name, each in value.items()}
        return value if keyword in _PLAIN else written(value)

    def written(part: Any) -> Any:
        if isinstance(part, list):
            return [written(each) for each in part]
        if not isinstance(part, dict):
            return part
        rest = {name: below(name, value) for name, value in part.items() if name != "$ref"}
        if "$ref" not in part:
            return rest
        meant = written(defined[part["$ref"].rpartition("/")[2]])
        return {**rest, "allOf": [*rest.get("allOf", []), meant]} if rest else meant

    return written(kept)


def _narrowed(old: Any, new: Any, path: str, known: Described) -> Iterator[Narrowing]:
    """`known`: all that the whole old schema says about the place that these parts are about."""
    if old is False or new is True or _equal(old, new):
        return
    if new is False:
        yield Narrowing(path, "closed", "is accepted no more")
        return
    old = {} if old is True else old
    for rule in _RULES:
        yield from rule(old, new, path)
    for parts in (_members, _items, _combined):
        yield from parts(old, new, path, known)


def _is_wider(old: Any, new: Any, known: Described) -> bool:
    return not any(True for _ in _narrowed(old, new, "", known))


def _members(old: Any, new: Any, path: str, known: Described) -> Iterator[Narrowing]:
    rest_before = old.get("additionalProperties", True)
    rest_after = new.get("additionalProperties", True)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in {**before, **after}:
        if known.promises(name):
            first = before[name] if name in before else next(fitting(old, name), rest_before)
            second = after.get(name, rest_after)
            yield from _narrowed(first, second, f"{path}.{name}", known.member(name))
    yield from _narrowed(rest_before, rest_after, f"{path}.*", known.member(None))


def _items(old: Any, new: Any, path: str, known: Described) -> Iterator[Narrowing]:
    rest_before, rest_after = old.get("items", True), new.get("items", True)
    before, after = old.get("prefixItems", []), new.get("prefixItems", [])
    for number in range(max(len(before), len(after))):
        first = before[number] if number < len(before) else rest_before
        second = after[number] if number < len(after) else rest_after
        yield from _narrowed(first, second, f"{path}[{number}]", known.items())
    yield from _narrowed(rest_before, rest_after, f"{path}[]", known.items())


def _combined(old: Any, new: Any, path: str, known: Described) -> Iterator[Narrowing]:
    """`anyOf` may grow, `allOf` may shrink."""
    before = old.get("anyOf", [True])
    after = new.get("anyOf", [True])
    if not all(any(_is_wider(one, each, known) for each in after) for one in before):
        yield Narrowing(path, "anyOf", "a form that was accepted is accepted no more")
    for each in new.get("allOf", ()):
        if not any(_is_wider(one, each, known) for one in [*old.get("allOf", ()), old]):
            yield Narrowing(path, "allOf", "one more thing is asked for")


# ---------------------------------------------------------------- about a value itself


def _type(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    gone = sorted(_types(old) - _types(new) - ({"integer"} if "number" in _types(new) else set()))
    if gone:
        yield Narrowing(path, "type", f"was {' or '.join(gone)} and may be that no more")


def _types(schema: Any) -> frozenset[str]:
    given = schema.get("type", TYPES)
    named = frozenset([given] if isinstance(given, str) else given)
    return named | {"integer"} if "number" in named else named


def _values(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    before, after = _allowed(old), _allowed(new)
    if after is None:
        return
    if before is None:
        yield Narrowing(path, "enum", "takes only some values now")
        return
    gone = [shown for key, shown in before.items() if key not in after]
    if gone:
        yield Narrowing(path, "enum", f"takes {', '.join(gone)} no more")


def _allowed(schema: Any) -> dict[str, str] | None:
    """The only values there are, each as the text that is the same for equal ones."""
    lists = [schema["enum"]] if "enum" in schema else []
    lists += [[schema["const"]]] if "const" in schema else []
    if not lists:
        return None
    first, *rest = ({_key(each): json.dumps(each) for each in values} for values in lists)
    return {key: shown for key, shown in first.items() if all(key in each for each in rest)}


def _lowest(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    if _lower(new) > _lower(old):
        yield Narrowing(path, "minimum", f"has to be at least {_lower(new)[0]} now")


def _lower(schema: Any) -> tuple[float, bool]:
    """The bound, and whether it is excluded: the greater pair allows less."""
    lowest = (float("-inf"), False)
    return max(
        lowest,
        (schema.get("minimum", lowest[0]), False),
        (schema.get("exclusiveMinimum", lowest[0]), "exclusiveMinimum" in schema),
    )


def _highest(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    def upper(schema: Any) -> tuple[float, bool]:
        turned = {
            "minimum": -schema.get("maximum", float("inf")),
            **(
                {"exclusiveMinimum": -schema["exclusiveMaximum"]}
                if "exclusiveMaximum" in schema
                else {}
            ),
        }
        return _lower(turned)

    if upper(new) > upper(old):
        yield Narrowing(path, "maximum", f"has to be at most {-upper(new)[0]} now")


def _sizes(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    for keyword in _LEAST:
        if new.get(keyword, 0) > old.get(keyword, 0):
            yield Narrowing(path, keyword, f"`{keyword}` is {new[keyword]} now")
    for keyword in _MOST:
        if new.get(keyword, float("inf")) < old.get(keyword, float("inf")):
            yield Narrowing(path, keyword, f"`{keyword}` is {new[keyword]} now")


def _multiple(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    step, before = new.get("multipleOf"), old.get("multipleOf")
    is_wider = (
        step is None
        or step == before
        or (isinstance(step, int) and isinstance(before, int) and before % step == 0)
    )
    if not is_wider:
        yield Narrowing(path, "multipleOf", f"has to be a multiple of {step} now")


def _texts(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    for keyword in ("pattern", "format"):
        if keyword in new and new[keyword] != old.get(keyword):
            yield Narrowing(path, keyword, f"has to fit the {keyword} {new[keyword]} now")


def _unique(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    if new.get("uniqueItems", False) and not old.get("uniqueItems", False):
        yield Narrowing(path, "uniqueItems", "may not have an item twice now")


def _required(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield Narrowing(f"{path}.{name}", "required", "is required now")


def _same(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    """What has no rule of its own may only stay, all of it."""
    for keyword in _SAME:
        if (keyword in new or keyword in old) and not _equal(old.get(keyword), new.get(keyword)):
            said = f"`{keyword}` is another now, which no rule calls harmless"
            yield Narrowing(path, keyword, said)
    for keyword in sorted(new.keys() | old.keys()):
        if keyword not in _KNOWN and not _equal(old.get(keyword), new.get(keyword)):
            yield Narrowing(path, keyword, f"`{keyword}` has no rule")


def _left_over(old: Any, new: Any, path: str) -> Iterator[Narrowing]:
    """A part beside `unevaluatedProperties` may only stay: without it, more is left over."""
    for keyword, counted in _COUNTED_BY.items():
        if old.get(keyword, True) is True and new.get(keyword, True) is True:
            continue
        for each in counted:
            if (each in old) != (each in new) or not _equal(old.get(each), new.get(each)):
                said = f"`{each}` is another now beside `{keyword}`, which no rule calls harmless"
                yield Narrowing(path, keyword, said)


_Rule = Callable[[Any, Any, str], Iterator[Narrowing]]
_RULES: tuple[_Rule, ...] = (
    *(_type, _values, _lowest, _highest, _sizes, _multiple, _texts, _unique, _required, _same),
    _left_over,
)


def _equal(one: Any, other: Any) -> bool:
    return _key(one) == _key(other)


def _key(value: Any) -> str:
    """The same text for values that JSON Schema takes as equal: 1 and 1.0, but not 1 and true."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
