"""What an event changes in the computed traits of a profile. Pure: item in, item out.

    computed   JSON text {"v": version of the definitions, "s": {track: state},
               "p": epoch milliseconds since when changed definitions count, until they are
               computed from the archive}

States are never changed, only replaced: they may be several readers'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import to_cel
from stepwell.events.model import Event
from stepwell.events.view import event_view
from stepwell.profile.computed import millis
from stepwell.profile.rules import ProfileRules
from stepwell.profile.tracks import (
    MAX_NUMBER,
    MAX_TEXT,
    Occurrence,
    State,
    Track,
    occurred,
    pruned,
    united,
    united_states,
)
from stepwell.storage.operations import Item
from stepwell.values import value

_ID_DIGITS = 8
_REMEMBERED = 4
_NUMBERS = frozenset({"s", "lo", "hi"})
_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)


@value
class Kept:
    """The states of a profile; `partial` since when changed definitions count, if they do."""

    version: str
    states: dict[str, State]
    partial: int | None = None

    def text(self) -> str:
        document: dict[str, Any] = {"v": self.version, "s": self.states}
        if self.partial is not None:
            document["p"] = self.partial
        text = _encoder.encode(document)
        _remember(text, self)
        return text


def read_kept(profile: Item | None) -> Kept:
    if not profile or "computed" not in profile:
        return Kept("", {})
    text = profile["computed"]
    kept = _recent.get(text)
    if kept is None:
        document = json.loads(text)
        kept = Kept(document["v"], document["s"], document.get("p"))
        _remember(text, kept)
    return kept


_recent: dict[str, Kept] = {}
"""What was read or written last: one event asks several times for the same."""


def _remember(text: str, kept: Kept) -> None:
    if len(_recent) >= _REMEMBERED:
        _recent.clear()
    _recent[text] = kept


def keep(
    before: Item | None, event: Event, rules: ProfileRules, problems: list[str]
) -> tuple[Kept | None, frozenset[str]]:
    """What is kept after the event, and the tracks that it changed; None when nothing changes.

    A customer has it from the first event on, whatever that is: who has none, or that of other
    definitions, was there before these.
    """
    happened = occurrences(event, rules, problems)
    is_new = before is None and bool(rules.track_ids)
    if not (happened or is_new or _is_of_others(before, rules)):
        return None, frozenset()
    known = read_kept(before)
    states, now = dict(known.states), millis(event.received_at)
    add(states, happened, now)
    partial = known.partial
    if known.version != rules.computed_version:
        states = {name: each for name, each in states.items() if name in rules.track_ids}
        if before is not None and partial is None:
            partial = now
    changed = frozenset(track.id for track, _ in happened)
    return Kept(rules.computed_version, states, partial), changed


def occurrences(
    event: Event, rules: ProfileRules, problems: list[str]
) -> list[tuple[Track, Occurrence]]:
    """What the event is to the tracks.

    The definitions' conditions see the event alone, so that the same events give the same traits
    whenever they are computed.
    """
    tracks = rules.tracks.get(event.name, ()) if event.name else ()
    if not tracks:
        return []
    context = {"event": to_cel(event_view(event))}
    return [
        (track, occurrence)
        for track in tracks
        if (occurrence := _occurrence(track, event, problems, context)) is not None
    ]


def add(states: dict[str, State], happened: Iterable[tuple[Track, Occurrence]], now: int) -> None:
    """Each occurrence to its track's state; `now` is when it was received."""
    for track, occurrence in happened:
        new = occurred(track, occurrence)
        states[track.id] = pruned(
            track, united(track, states[track.id], new) if track.id in states else new, now
        )


def _is_of_others(before: Item | None, rules: ProfileRules) -> bool:
    """Whether the profile's states are of other definitions than these."""
    if before is None or "computed" not in before:
        return False
    return not before["computed"].endswith(f'"v":"{rules.computed_version}"}}')


def unite_kept(one: Item, other: Item, rules_tracks: Mapping[str, Track]) -> Item:
    """The attribute of a customer who is made of both; empty if neither has it."""
    if "computed" not in one and "computed" not in other:
        return {}
    ours, theirs = read_kept(one), read_kept(other)
    states = united_states(ours.states, theirs.states, rules_tracks)
    partials = [each for each in (ours.partial, theirs.partial) if each is not None]
    # Who has none was there before the definitions were: their events are not in it.
    version = ours.version if ours.version == theirs.version else ""
    return {"computed": Kept(version, states, max(partials, default=None)).text()}


def _occurrence(
    track: Track, event: Event, problems: list[str], context: Mapping[str, Any]
) -> Occurrence | None:
    """None when the event is none of the track's, or has no value that can be kept. One that lacks
    what is asked of it is none: which properties there may be was checked by the compiler.
    """
    try:
        if track.where is not None and track.where(context) is not True:
            return None
        found: Occurrence = [millis(event.timestamp), event.fingerprint[:_ID_DIGITS]]
        if track.value is None:
            return found
        given = track.value(context)
    except ConditionError:
        return None
    return None if (kept := _kept_value(track, given, event, problems)) is None else [*found, kept]


def _is_short(text: str) -> bool:
    """Also where it is written, as JSON inside of JSON; half a pair of UTF-16 is no text."""
    if len(text) > MAX_TEXT:
        return False
    written = json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)
    try:
        return len(written.encode()) <= 2 * MAX_TEXT
    except UnicodeEncodeError:
        return False


def _kept_value(track: Track, given: Any, event: Event, problems: list[str]) -> Any:
    """Numbers without a point where they are whole, so that 3 and 3.0 are one value."""
    match given:
        case bool() if not track.needs & _NUMBERS:
            return given
        case int() | float() if not isinstance(given, bool) and abs(given) <= MAX_NUMBER:
            return int(given) if float(given).is_integer() else given
        case str() if not track.needs & _NUMBERS and _is_short(given):
            return given
    problems.append(
        f"computed traits of {event.name!r}: a value is too large or of another type: not counted"
    )
    return None
