"""What a project declares of its customers' profiles, as it is deployed with the policies.

    {"computed": [{"name", "kind", "event", "where"?, "value"?, "within"?, "since"?, "at_most"?,
                   "of"?, "to"?}],
     "segments": [{"name", "when"}], each after those that it names,
     "lists": ["beta_testers"],
     "context": {"place": {"purposes", "keep_seconds", "precision_km"?, "names"}, …}, …}

`where`, `value` and `when` are trees of conditions, `within` is in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stepwell.conditions.evaluator import compile_tree
from stepwell.events.model import digest
from stepwell.profile.computed import ComputedTrait
from stepwell.profile.context import ContextRules, load_context
from stepwell.profile.segments import Segment, load_segment
from stepwell.profile.signal_rules import SignalRules, load_signals
from stepwell.profile.tracks import KEPT, Track

Document = Mapping[str, Any]

_NEEDS: Mapping[str, str] = {"count": "n", "sum": "s", "min": "lo", "max": "hi", "first": "f"}
_MOVING = frozenset({"most_frequent", "histogram"})


@dataclass(frozen=True, eq=False)
class ProfileRules:
    """Made of its document when it is first asked: most functions never do."""

    document: Document = field(default_factory=dict)

    @cached_property
    def computed(self) -> Mapping[str, ComputedTrait]:
        return {each["name"]: _load_trait(each) for each in self.document.get("computed", ())}

    @cached_property
    def tracks(self) -> Mapping[str, Sequence[Track]]:
        """By the event that they follow, each once."""
        found: dict[str, dict[str, Track]] = {}
        for trait in self.computed.values():
            for track in (trait.track, trait.other):
                if track is not None:
                    found.setdefault(track.event, {})[track.id] = track
        return {event: tuple(tracks.values()) for event, tracks in found.items()}

    @cached_property
    def track_ids(self) -> Mapping[str, Track]:
        return {track.id: track for tracks in self.tracks.values() for track in tracks}

    @cached_property
    def local(self) -> frozenset[str]:
        """Computed traits of hours, which are those of the customer's zone."""
        computed = self.document.get("computed", ())
        return frozenset(each["name"] for each in computed if each["kind"] == "histogram")

    @cached_property
    def segments(self) -> Mapping[str, Segment]:
        """In an order in which each comes after those that it names."""
        computed = self.document.get("computed", ())
        moving = frozenset(each["name"] for each in computed if _moves(each, computed))
        return {
            each["name"]: load_segment(each, moving) for each in self.document.get("segments", ())
        }

    @cached_property
    def context(self) -> ContextRules:
        return load_context(self.document.get("context", {}))

    @cached_property
    def readers(self) -> Mapping[str, frozenset[str]]:
        """The segments that read a part of the customer: by `traits.plan`, by `traits` who reads
        all of them at once, and by `traits.*` who reads any.
        """
        found: dict[str, set[str]] = {}
        for name, segment in self.segments.items():
            for path in segment.reads:
                for key in (path, f"{path.partition('.')[0]}.*"):
                    found.setdefault(key, set()).add(name)
        return {path: frozenset(names) for path, names in found.items()}

    @cached_property
    def followers(self) -> Mapping[str, frozenset[str]]:
        """By a track's id, the computed traits that are told from it."""
        found: dict[str, set[str]] = {}
        for name, trait in self.computed.items():
            for track in self._followed(trait):
                found.setdefault(track.id, set()).add(name)
        return {track: frozenset(names) for track, names in found.items()}

    def _followed(self, trait: ComputedTrait) -> Iterator[Track]:
        for part in (trait.of, trait.to) if trait.kind == "ratio" else ():
            yield from self._followed(self.computed[part])
        yield from (each for each in (trait.track, trait.other) if each is not None)

    @cached_property
    def lists(self) -> Sequence[str]:
        return tuple(self.document.get("lists", ()))

    @cached_property
    def signals(self) -> SignalRules:
        return load_signals(self.document.get("signals", {}))

    @cached_property
    def segments_version(self) -> str:
        """Of all that membership follows from: with another one, everything is looked at anew."""
        parts = {name: self.document.get(name) for name in ("segments", "computed", "context")}
        return digest(json.dumps(parts, sort_keys=True))[:8]

    @cached_property
    def computed_version(self) -> str:
        return digest(",".join(sorted(self.track_ids)))[:8]


def _moves(trait: Document, traits: Sequence[Document]) -> bool:
    """Whether time alone can change it."""
    if trait["kind"] == "ratio":
        return any(
            _moves(each, traits) for each in traits if each["name"] in (trait["of"], trait["to"])
        )
    return trait["kind"] == "days_since" or "within" in trait


def _load_trait(document: Document) -> ComputedTrait:
    name, kind = document["name"], document["kind"]
    if kind == "ratio":
        return ComputedTrait(name, kind, of=document["of"], to=document["to"])
    since = document.get("since")
    return ComputedTrait(
        name,
        kind,
        track=_track(document),
        other=_track({"kind": "last", "event": since}) if since else None,
        window=_window(document),
        moments="value" not in document,
    )


def _window(document: Document) -> int | None:
    return document["within"] * 1000 if "within" in document else None


def _track(document: Document) -> Track:
    """Where a trait is told from. Its id is made of all that it is: whoever changes the definition
    of one trait begins that one anew, and no other.
    """
    kind = document["kind"]
    parts = {name: document.get(name) for name in ("event", "where", "value", "within", "at_most")}
    how = _how(document)
    needs = frozenset({_NEEDS[kind]} if kind in _NEEDS and "since" not in document else ())
    by_week = kind == "histogram"
    made_of = json.dumps([how, sorted(needs), by_week, parts], sort_keys=True)
    where, value = document.get("where"), document.get("value")
    return Track(
        id=digest(made_of)[:8],
        kind=how,
        event=document["event"],
        where=compile_tree(where) if where is not None else None,
        value=compile_tree(value) if value is not None else None,
        window=_window(document),
        needs=needs,
        at_most=document.get("at_most", KEPT),
        by_week=by_week,
    )


def _how(document: Document) -> str:
    kind = document["kind"]
    if kind == "distinct":
        return "distinct"
    moving = kind in _MOVING or "since" in document
    windowed = "within" in document and kind in ("count", "sum", "min", "max")
    return "recent" if moving or windowed else "tally"
