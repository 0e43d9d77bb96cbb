"""Enrollments of customers who became one. Pure.

They live on where they began. Two of the same journey and key are one too many: one of them ends,
as it would have been if one customer had begun both. What has ended is remembered at who remained,
so that a journey which is entered once is not entered again; a customer of whom nothing lives any
more is then read no longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from stepwell.customers import keys, slots
from stepwell.customers.snapshot import Snapshot
from stepwell.journeys.entering import Versions, as_read
from stepwell.journeys.happening import Happening, Reaction
from stepwell.journeys.program import Reentry
from stepwell.journeys.progress import Place, end_early, listens
from stepwell.storage.operations import Item, Key, Put

MERGED = "merged"
"""Why the second of two enrollments has ended."""

MOST_OPERATIONS = 90
"""How far a transaction may be filled with memories; there is another event after this one."""


def end_doubles(happening: Happening, places: Sequence[Place], reaction: Reaction) -> set[Key]:
    """End all but one active enrollment of each journey and key; the keys of those that end."""
    if not happening.snapshot.merged:
        return set()
    active: dict[str, list[Place]] = {}
    for place in places:
        if place.item["status"] == slots.ACTIVE:
            active.setdefault(place.enrollment_id, []).append(place)
    ended = set()
    for doubles in active.values():
        stays = _stays(doubles)
        for place in doubles:
            if place is not stays:
                end_early(happening, place, reaction, MERGED)
                ended.add(place.key)
    return ended


def _stays(doubles: Sequence[Place]) -> Place:
    """The one that began first; the last one where a new entry replaces the one before it."""
    ordered = sorted(doubles, key=lambda place: (place.item["entered_at"], place.customer))
    always = ordered[0].program.entry.reentry is Reentry.ALWAYS
    return ordered[-1] if always else ordered[0]


def remember(
    snapshot: Snapshot, reaction: Reaction, version: Versions, now: datetime, seq: int
) -> list[str]:
    """Add what has ended elsewhere to the customer's own partition, as far as the transaction has
    room; the customers who are still to be read with this one.
    """
    taken = {each.key for each in reaction.operations()}
    remain = []
    for customer, there in snapshot.merged.items():
        lives = False
        for enrollment_id, item in there.items():
            key = keys.enrollment(snapshot.customer, enrollment_id)
            own = snapshot.enrollments.get(enrollment_id)
            if keys.enrollment(customer, enrollment_id) in taken:
                lives = True  # this event moves it; the next one sees what became of it
            elif listens(now, version(item["version"]), item):
                lives = True
            elif _is_newer(item, own):
                if own and own["status"] == slots.ACTIVE:
                    lives = True  # to be remembered once the customer's own run has ended
                    continue
                full = len(reaction.operations()) >= MOST_OPERATIONS
                if full or key in taken:
                    lives = True
                else:
                    reaction.puts.append(Put(key, _memory(item, customer, seq), as_read(own)))
                    taken.add(key)
        if lives:
            remain.append(customer)
    return remain


def _is_newer(item: Item, own: Mapping[str, object] | None) -> bool:
    return own is None or str(item["entered_at"]) > str(own["entered_at"])


_REMEMBERED = (
    *("journey", "key_hash", "version", "execution", "run", "status", "outcome", "reason"),
    *("entered_at", "ended_at", "converted_at", "forget_at", "expires"),
)
"""Of an ended enrollment; not the event that began it, which may be large."""


def _memory(item: Item, customer: str, seq: int) -> Item:
    kept = {name: item[name] for name in _REMEMBERED if name in item}
    return kept | {"touched": seq, "began_at": customer}
