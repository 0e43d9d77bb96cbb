"""What is wrong with a Liquid text before it is rendered: syntax, filters, impossible variables.

A template sees `customer.id`, `customer.traits.…`, `customer.computed.…`, the declared parts of the
context such as `customer.place.…`, `event.…` (the entry event), `journey`, `unsubscribe_url` and
`postal_address`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from liquid import Environment
from liquid.exceptions import LiquidError

from stepwell.journeys.compiler.cel.kinds import JSON, STRING, Type, map_of, record
from stepwell.journeys.compiler.problems import suggest
from stepwell.messages.imprint import POSTAL_ADDRESS, UNSUBSCRIBE_URL
from stepwell.profile.context import PARTS

_TEXTS = {
    "journey": "the journey's name",
    UNSUBSCRIBE_URL: "a link",
    POSTAL_ADDRESS: "a text",
}
_ROOTS = ("customer", "event", *_TEXTS)
_CUSTOMER = ("id", "traits", "computed", *PARTS)
_JUST_A_CUSTOMER = record({"id": STRING, "traits": map_of(JSON)}, "a customer")
_EVENT = ("id", "name", "properties", "timestamp", "type")
_FILES = frozenset({"include", "render", "extends", "block"})


@dataclass(frozen=True, slots=True)
class TextFault:
    """`line` counts from 1 within the text."""

    line: int
    code: str
    message: str
    remedy: str


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment()


def customer_read(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line, path) of all that a text reads below `customer`, each path as far as it is written
    down: `customer.place.city` is ("place", "city"). Nothing for what is no Liquid.
    """
    try:
        analysis = _environment().from_string(text).analyze(include_partials=False)
    except LiquidError:
        return
    for variable in (each for found in analysis.globals.values() for each in found):
        root, *rest = variable.segments
        if root == "customer":
            written = takewhile(lambda each: isinstance(each, str), rest)
            yield _line(text, variable.span.index), tuple(map(str, written))


def faults_in(
    text: str, properties: Type, customer: Type = _JUST_A_CUSTOMER
) -> Iterator[TextFault]:
    """`properties`: the type of the entry event's properties; JSON when they are not known.
    `customer`: what conditions see of one; of that templates see computed
    traits and the context.
    """
    try:
        analysis = _environment().from_string(text).analyze(include_partials=False)
    except LiquidError as error:
        line = text.count("\n", 0, error.token.start_index) + 1 if error.token else 1
        yield TextFault(
            line, "SW604", f"is no Liquid: {error.message}", "Correct the tag or the braces."
        )
        return
    for name, spans in analysis.filters.items():
        if name not in _environment().filters:
            remedy = suggest(name, _environment().filters)
            yield TextFault(
                _line(text, spans[0].index), "SW604", f"there is no filter {name!r}", remedy
            )
    for name, spans in analysis.tags.items():
        if name in _FILES:
            remedy = "Write the text here: a message carries all of its template."
            yield TextFault(
                _line(text, spans[0].index), "SW604", f"the tag {name!r} reads other files", remedy
            )
    for variables in analysis.globals.values():
        for variable in variables:
            found = _impossible(list(variable.segments), properties, customer)
            if found:
                yield TextFault(_line(text, variable.span.index), "SW605", *found)


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _impossible(segments: list[object], properties: Type, customer: Type) -> tuple[str, str] | None:
    """Message and remedy, when a variable can never have a value."""
    shown = ".".join(map(str, segments))
    root, *rest = segments
    if root not in _ROOTS:
        return (
            f"`{shown}` does not exist",
            f"{suggest(root, _ROOTS)} Templates see {', '.join(_ROOTS)}.",
        )
    if root in _TEXTS:
        said = f"`{root}` is {_TEXTS[str(root)]}."
        return (f"`{shown}` does not exist", said) if rest else None
    if root == "customer":
        return _impossible_of_customer(shown, rest, customer)
    if not rest:
        return _no_single_value(shown, _EVENT)
    if isinstance(rest[0], list):  # event[variable]: only rendering will tell
        return None
    if rest[0] not in _EVENT:
        return f"`{shown}` does not exist", suggest(rest[0], _EVENT)
    missing = _missing_property(rest[1:], properties) if rest[0] == "properties" else None
    return missing and (missing[0], f"{missing[1]} Properties are in the event's schema.")


def _impossible_of_customer(
    shown: str, rest: list[object], customer: Type
) -> tuple[str, str] | None:
    known = [name for name in _CUSTOMER if name in customer.fields]
    if not rest:
        return _no_single_value(shown, known)
    if isinstance(rest[0], list):
        return None
    if rest[0] in customer.absent:
        return f"`customer.{rest[0]}` is not kept", customer.absent[str(rest[0])]
    if rest[0] not in known:
        return f"`{shown}` does not exist", suggest(rest[0], known)
    kind = customer.fields[str(rest[0])]
    if rest == ["computed"]:
        return _no_single_value(shown, kind.fields)
    return _missing_property(rest[1:], kind)


def _no_single_value(shown: str, parts: Iterable[str]) -> tuple[str, str]:
    return f"`{shown}` is no single value", f"Write {shown}. and one of {', '.join(parts)}."


def _missing_property(segments: list[object], kind: Type) -> tuple[str, str] | None:
    """Follows what the event's schema knows; anything may be in what it leaves open."""
    for segment in segments:
        if kind.kind == "list" and (isinstance(segment, int) or segment in ("first", "last")):
            kind = kind.element or JSON
            continue
        if kind.kind != "record" or segment == "size" or isinstance(segment, list):
            return None
        if segment not in kind.fields:
            if segment in kind.absent:
                return f"no {segment} of {kind.place} is kept", kind.absent[str(segment)]
            return f"{kind.place} has no property {segment!r}", suggest(segment, kind.fields)
        kind = kind.fields[str(segment)]
    return None
