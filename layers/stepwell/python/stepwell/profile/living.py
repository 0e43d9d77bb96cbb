"""What an event makes of a living profile: lists, computed traits, segments, and what is told.

Called between the profile's traits and the journeys: these see what it found. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import traits_of
from stepwell.customers.zones import zones_of
from stepwell.events.model import Event, EventType
from stepwell.events.told import (
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    SIGNAL_DETECTED,
    TRAIT_CHANGED,
    Told,
)
from stepwell.profile.blank import is_blank, of_nobody
from stepwell.profile.computed import first_change
from stepwell.profile.context import PARTS, forgotten_at
from stepwell.profile.joining import TRAITS_BEFORE, traits_before
from stepwell.profile.keeping import Kept, keep, read_kept
from stepwell.profile.rules import ProfileRules
from stepwell.profile.segments import Segment, due, members
from stepwell.profile.signals import hear
from stepwell.profile.view import customer_view
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

LIST_JOINED, LIST_LEFT = "List Joined", "List Left"
SHARDS = 16
SWEPT_EVERY = timedelta(minutes=5)
_DUE = ("due", "due_at", "due_shard")


@value
class Lived:
    """`profile` is the profile with all that changed; `tells` what is told of it."""

    profile: Item = field(hash=False)
    tells: tuple[Told, ...] = field(default=(), hash=False)


@value
class _Changes:
    """What an event changed, as conditions would read it: `traits.plan`; and whole parts."""

    exact: Collection[str]
    whole: Collection[str]

    def touched(self, rules: ProfileRules) -> set[str]:
        """The segments that read any of it."""
        if not (self.exact or self.whole):
            return set()
        paths = {"*", *self.exact, *(each.partition(".")[0] for each in self.exact)}
        paths |= {f"{part}.*" for part in self.whole}
        return {name for path in paths for name in rules.readers.get(path, ())}


def live(
    event: Event,
    before: Snapshot,
    after: Snapshot,
    rules: ProfileRules,
    now: datetime,
    problems: list[str],
    *,
    heard: Collection[str] = (),
) -> Lived:
    """`after` has the profile and consents of the event; `heard`: traits whose change is told."""
    profile = dict(after.profile or {})
    changed, tells = _said(event, before.profile, profile, heard)
    profile.pop(TRAITS_BEFORE, None)
    if not rules.document and "segments_by" not in profile:
        return Lived(profile, tuple(tells))
    whole = {"consents"} if after.consents is not before.consents else set[str]()
    whole |= {each for each in ("group", *PARTS) if _differs(each, before, profile)}
    profile |= _lists(event, profile, rules, changed, problems)
    kept, tracks = keep(before.profile, event, rules, problems)
    if kept is not None:
        profile["computed"] = kept.text()
        changed |= {f"computed.{name}" for track in tracks for name in rules.followers[track]}
    if rules.local and zones_of(before.profile or {}, None) != zones_of(profile, None):
        changed |= {f"computed.{name}" for name in rules.local}
    signals, told_signals = _signals(event, before.profile, rules)
    profile |= signals
    changed |= {f"signals.{each.about}" for each in told_signals}
    tells += told_signals
    if rules.segments or "segments_by" in profile:
        changes = _Changes(changed, whole)
        told = _segments(after.with_profile(profile, after.consents), rules, now, changes, kept)
        profile = told.profile
        tells += told.tells
    return Lived(profile, tuple(tells))


def _differs(part: str, before: Snapshot, profile: Item) -> bool:
    name = "groups" if part == "group" else PARTS[part]
    return (before.profile or {}).get(name) != profile.get(name)


def _said(
    event: Event, before: Item | None, after: Item, heard: Collection[str]
) -> tuple[set[str], list[Told]]:
    """The traits that an identify call changed, or a join before the event, and what is told of
    those that are listened to.
    """
    if event.type is not EventType.IDENTIFY and TRAITS_BEFORE not in after:
        return set(), []
    old, new = traits_before(before), traits_of(after)
    names = sorted({*old, *new})
    names = [name for name in names if not _is_same(name, old, new)]
    tells = [
        Told(
            TRAIT_CHANGED,
            name,
            {"trait": name}
            | ({"value": new[name]} if name in new else {})
            | ({"previous": old[name]} if name in old else {}),
        )
        for name in names
        if name in heard
    ]
    return {f"traits.{name}" for name in names}, tells


def _is_same(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if (name in old) != (name in new):
        return False
    one, two = old.get(name), new.get(name)
    # To Python 1 and true are one, to conditions they are two, also inside of lists and maps.
    return one == two and json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def _lists(
    event: Event, profile: Item, rules: ProfileRules, changed: set[str], problems: list[str]
) -> Item:
    """Which lists the customer is on, by the newest word on each: a list is joined and left."""
    if event.name not in (LIST_JOINED, LIST_LEFT):
        return {}
    name, at = event.properties.get("list"), to_text(event.timestamp)
    if name not in rules.lists:
        problems.append(f"{event.name}: there is no such list")
        return {}
    on, off = dict(profile.get("lists", {})), dict(profile.get("lists_left", {}))
    if max(on.get(name, ""), off.get(name, "")) > at:
        return {}
    joined, left = (on, off) if event.name == LIST_JOINED else (off, on)
    left.pop(name, None)
    joined[name] = at
    changed.add(f"lists.{name}")
    return {"lists": on, "lists_left": off}


def _signals(event: Event, before: Item | None, rules: ProfileRules) -> tuple[Item, list[Told]]:
    """What the event says as a part of a conversation, and what is told of it."""
    if "signals" not in rules.document:
        return {}, []
    heard = hear(rules.signals, event, before)
    return heard.changes, [
        Told(SIGNAL_DETECTED, each.signal, each.properties()) for each in heard.found
    ]


def _segments(
    after: Snapshot, rules: ProfileRules, now: datetime, changes: _Changes, kept: Kept | None
) -> Lived:
    profile = dict(after.profile or {})
    known = profile.get("segments_by")
    is_due = "due" in profile and from_text(profile["due"]) <= now
    anew = known != rules.segments_version
    touched = changes.touched(rules)
    if not (anew or is_due or touched):
        return Lived(profile)
    begins = known is None and "segments" not in profile and is_blank(profile, kept)
    alike = of_nobody(rules) if begins else {}
    inside: dict[str, bool] = {}
    context: Mapping[str, Any] = {"customer": customer_view(after, rules, now, inside), "now": now}
    entered: dict[str, str] = profile.get("segments", {})
    changed = members(
        rules.segments,
        entered if not alike else {name for name, is_in in alike.items() if is_in},
        context,
        lambda each: (
            each.name not in alike and (anew or (is_due and each.timed) or each.name in touched)
        ),
        inside,
    )
    changed += [(name, True) for name, is_in in alike.items() if is_in]
    by_event = set(rules.segments) if begins else _and_dependents(touched, rules)
    at = to_text(now)
    profile["segments"] = {name: entered.get(name, at) for name in rules.segments if inside[name]}
    profile["segments_by"] = rules.segments_version
    others = {name: each for name, each in rules.segments.items() if name not in alike}
    profile |= _due(after.customer, next_change(after, rules, others, context, now, kept), profile)
    tells = [
        Told(
            SEGMENT_ENTERED if is_in else SEGMENT_LEFT,
            name,
            {"segment": name},
            by_time=name not in by_event,
        )
        for name, is_in in [*_gone(entered, rules), *changed]
    ]
    return Lived({name: each for name, each in profile.items() if each is not None}, tuple(tells))


def _and_dependents(touched: Collection[str], rules: ProfileRules) -> set[str]:
    """Segments that the event itself may have changed, also by way of others."""
    found = set(touched)
    for name, segment in rules.segments.items():  # each after those that it names
        if "segments" in segment.reads or any(
            f"segments.{each}" in segment.reads for each in found
        ):
            found.add(name)
    return found


def _gone(entered: Mapping[str, str], rules: ProfileRules) -> Iterator[tuple[str, bool]]:
    """Segments that are not declared any more: nobody is in them."""
    yield from ((name, False) for name in entered if name not in rules.segments)


def next_change(
    after: Snapshot,
    rules: ProfileRules,
    segments: Mapping[str, Segment],
    context: Mapping[str, Any],
    now: datetime,
    kept: Kept | None = None,
) -> datetime | None:
    """When time alone may change one of the segments next. `kept` is what the profile has, where
    that has been read already.
    """
    if not any(each.timed for each in segments.values()):
        return None
    states = (kept or read_kept(after.profile)).states
    return due(
        segments,
        context,
        now,
        lambda names: first_change(names, rules.computed, states, now),
        lambda name: forgotten_at(after.profile, name, rules.context),
    )


def _due(customer: str, moment: datetime | None, profile: Item) -> Item:
    """The attributes of the index; None for those to be taken away."""
    if moment is None:
        return dict.fromkeys(name for name in _DUE if name in profile)
    shard = int(hashlib.sha256(customer.encode()).hexdigest()[:4], 16) % SHARDS
    since_midnight = moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = -(-since_midnight // SWEPT_EVERY)
    swept = moment - since_midnight + steps * SWEPT_EVERY
    return {"due": to_text(_up(moment)), "due_at": to_text(swept), "due_shard": f"DUE#{shard:02}"}


def _up(moment: datetime) -> datetime:
    """Texts have milliseconds: rounded up, so that it is never looked too early."""
    below = moment.microsecond % 1000
    return moment + timedelta(microseconds=1000 - below) if below else moment


def made_due(customer: str, now: datetime) -> Item:
    """The attributes by which the next sweep finds a profile."""
    return _due(customer, now, {})
