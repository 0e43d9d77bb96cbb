"""Two customers become one: what is written, in one transaction. Pure.

Who remains gets the newest traits, the stricter consents, all cap units and all identities. The
other's profile becomes a pointer. Enrollments are not moved: state machines run under the other's
id, so the profile lists it in `merged` until nothing of it lives any more.

Items of identities are not touched: they lead to the pointer, and each is moved when it is next
named. The other's consents stay what they are: a reader who knows the pointer reads them no more,
and one who does not must not find none. They are written all the same, on the condition that they
are as they were read: so that no answer is lost that was given meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.applied import applied_to_both
from stepwell.customers.arrivals import came_to_both
from stepwell.customers.groups import united_groups
from stepwell.customers.joining import MAX_NOT_JOINED
from stepwell.customers.profiles import (
    MAX_ANONYMOUS_IDS,
    MAX_PREVIOUS_IDS,
    consents_write,
    known_by_traits,
)
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import read_traits
from stepwell.profile.joining import united_lives
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import NEW, Conditions, Item, Operation, Put, equals
from stepwell.timestamps import to_text

REVOKED = "revoked"
MAX_FORMER = 50
"""Of those who have ever become this one, so many are listed; each has a record."""


def merge(
    winner: Snapshot,
    loser: Snapshot,
    *,
    by: str,
    event: str,
    now: datetime,
    rules: ProfileRules,
    heard: Collection[str] = (),
) -> list[Operation]:
    """`by` is the kind of identity and `event` the id of the event that joined them; `heard`:
    traits whose change is told.
    """
    seq = max(winner.seq, loser.seq) + 1
    at = to_text(now)
    pointer: Item = {
        "merged_into": winner.customer,
        "winner_seq": seq,
        "winner_consents": bool(_grants(loser)),
        "seq": loser.seq + 1,
        "touched": [],
        "created_at": (loser.profile or {})["created_at"],
        "updated_at": at,
    }
    record: Item = {"customer": loser.customer, "at": at, "by": by, "event": event}
    joined = _profile(winner, loser, seq, at)
    lives = united_lives(joined, winner.profile or {}, loser.profile or {}, rules, heard)
    return [
        Put(keys.profile(winner.customer), lives, _as_read(winner)),
        Put(keys.profile(loser.customer), pointer, _as_read(loser)),
        *_consents(winner, loser, seq),
        *_caps(winner, loser),
        Put(keys.merge(winner.customer, loser.customer), record),
    ]


def _as_read(snapshot: Snapshot) -> Conditions:
    return (equals("seq", snapshot.seq),)


def _profile(winner: Snapshot, loser: Snapshot, seq: int, at: str) -> Item:
    ours = dict(winner.profile or {})
    theirs = {**(loser.profile or {}), "customer": loser.customer}
    traits = read_traits(theirs).united(read_traits(ours))
    united = {name: each for name, each in ours.items() if name not in ("pk", "sk", "applied")}
    united = known_by_traits(united, traits.values, _tokens(theirs) + _tokens(ours))
    united |= traits.items() if traits.times else {}
    united |= {
        "seq": seq,
        "touched": [],
        "created_at": min(ours["created_at"], theirs["created_at"]),
        "updated_at": at,
        "merged": [*winner.merged, *_where_it_lives(loser), *loser.merged],
    }
    return united | _lists(ours, theirs) | _said_last(ours, theirs) | applied_to_both(ours, theirs)


def _where_it_lives(loser: Snapshot) -> list[str]:
    """Also where the last event wrote an enrollment that is not to be seen yet."""
    has_some = loser.enrollments or (loser.profile or {}).get("touched")
    return [loser.customer] if has_some else []


def _tokens(profile: Item) -> list[str]:
    return list(profile.get("addresses", {}).get("push", ()))


def _lists(ours: Item, theirs: Item) -> Item:
    """What both may have several of, what is told last being the winner's."""
    own, other = ours.get("user_id"), theirs.get("user_id")
    users = _all_of("former_user_ids", theirs, ours) + ([other] if other and other != own else [])
    lists = {
        "anonymous_ids": _all_of("anonymous_ids", theirs, ours)[-MAX_ANONYMOUS_IDS:],
        "previous_ids": _all_of("previous_ids", theirs, ours)[-MAX_PREVIOUS_IDS:],
        "former_user_ids": [each for each in dict.fromkeys(users) if each != own][
            -MAX_PREVIOUS_IDS:
        ],
        "not_joined": _all_of("not_joined", theirs, ours)[-MAX_NOT_JOINED:],
        "former": [*_all_of("former", ours, theirs), theirs["customer"]][-MAX_FORMER:],
    }
    came = came_to_both(ours, theirs)
    found: Item = {name: each for name, each in lists.items() if each}
    return found | ({"came_to": came} if came else {})


def _all_of(name: str, *profiles: Item) -> list[Any]:
    return list(dict.fromkeys(each for profile in profiles for each in profile.get(name, ())))


def _said_last(ours: Item, theirs: Item) -> Item:
    """The zone of the context that was said last, and the groups, the one that was named last as
    the current one.
    """
    _, newer = _by_time("context_zone", ours, theirs)
    found = {name: newer[name] for name in ("context_zone", "context_zone_at") if name in newer}
    return found | united_groups(*_by_time("groups", ours, theirs))


def _by_time(name: str, ours: Item, theirs: Item) -> tuple[Item, Item]:
    """Both, first the one with the older word, or none, on this attribute. Words without a time,
    from before it was kept, are older than others; of two, who was written last has the newer.
    """

    def age(profile: Item) -> tuple[bool, str, str, str]:
        at = profile.get(f"{name}_at", "")
        return name in profile, at, "" if at else profile["updated_at"], profile.get(name, "")

    older, newer = sorted((theirs, ours), key=age)
    return older, newer


def _consents(winner: Snapshot, loser: Snapshot, seq: int) -> list[Operation]:
    ours, theirs = _grants(winner), _grants(loser)
    kept: Item = {"grants": theirs, "seq": seq, "merged_into": winner.customer}
    writes: list[Operation] = [consents_write(loser.customer, kept, loser.consents)]
    if theirs:
        united = {name: _stricter(ours.get(name), theirs.get(name)) for name in {**ours, **theirs}}
        item: Item = {"grants": united, "seq": seq}
        writes.append(consents_write(winner.customer, item, winner.consents))
    return writes


def _grants(snapshot: Snapshot) -> dict[str, Item]:
    return dict((snapshot.consents or {}).get("grants", {}))


def _stricter(one: Item | None, other: Item | None) -> Item | None:
    """A no of either; of two alike answers the later one. It holds from the later of both on: what
    was said in between is not newer than all that the person has said.
    """
    if one is None or other is None:
        return one or other
    strict = max((one, other), key=lambda each: (each["status"] == REVOKED, each["at"]))
    return {**strict, "at": max(one["at"], other["at"])}


def _caps(winner: Snapshot, loser: Snapshot) -> list[Operation]:
    """All units at the winner; the loser's item says where they are, even if there was none: who
    is about to reserve the first one there has to be told.
    """
    ours, theirs = winner.caps or {}, loser.caps or {}
    pointer = {"version": theirs.get("version", 0) + 1, "units": [], "merged_into": winner.customer}
    moved: list[Operation] = [Put(keys.caps(loser.customer), pointer, _version(loser.caps))]
    if theirs.get("units"):
        units: dict[str, Item] = {}
        for unit in sorted([*ours.get("units", ()), *theirs["units"]], key=_when):
            units[unit["message"]] = unit
        item = {"version": ours.get("version", 0) + 1, "units": list(units.values())}
        moved.append(Put(keys.caps(winner.customer), item, _version(winner.caps)))
    return moved


def _when(unit: Item) -> tuple[str, bool]:
    return unit["at"], unit["state"] == "confirmed"


def _version(item: Item | None) -> Conditions:
    return (equals("version", item["version"]),) if item else NEW
