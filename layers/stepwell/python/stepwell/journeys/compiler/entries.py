"""What begins a journey: an event, entering or leaving a segment, or a changed trait.

The last two are events that the engine tells; the journey has them as such, with a condition more.
"""

from __future__ import annotations

import json
from dataclasses import replace

from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT, TRAIT_CHANGED
from stepwell.journeys.compiler.documents import EntryDocument
from stepwell.journeys.compiler.matches import condition
from stepwell.journeys.compiler.model import Condition, EventMatch
from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.source import Source

_PATH = ("entry",)
_WAYS = ("event", "segment", "trait")


def entry_match(source: Source, document: EntryDocument) -> tuple[EventMatch | None, list[Problem]]:
    """The event that begins it, or what is wrong with how it is said."""
    given = [name for name in _WAYS if getattr(document, name) is not None]
    problems: list[Problem] = []
    if not given:
        remedy = "Add `event:` to entry, or `segment:` or `trait:`."
        place = source.place((*_PATH, "event"))
        return None, [Problem(place, "SW102", "`event` is missing", remedy)]
    for name in given[1:]:
        said = f"an entry has `{given[0]}` or `{name}`, not both"
        problems.append(Problem(source.place((*_PATH, name)), "SW103", said, "Keep one."))
    if document.on is not None and document.segment is None:
        said = "`on` says which way a segment is crossed"
        problems.append(Problem(source.place((*_PATH, "on")), "SW103", said, "Take it away."))
    where = condition(source, (*_PATH, "where"), document.where)
    place = source.place((*_PATH, given[0]))
    match given[0]:
        case "segment":
            name = SEGMENT_LEFT if document.on == "leaving" else SEGMENT_ENTERED
            about = f"event.properties.segment == {json.dumps(document.segment)}"
        case "trait":
            name, about = TRAIT_CHANGED, f"event.properties.trait == {json.dumps(document.trait)}"
        case _:
            return EventMatch(str(document.event), where, place), problems
    return EventMatch(name, _both(about, where, Condition(about, place)), place), problems


def _both(about: str, where: Condition | None, alone: Condition) -> Condition:
    """The condition of the author stays on its lines, so that what is wrong with it is found."""
    return replace(where, text=f"{about} && ({where.text})") if where else alone
