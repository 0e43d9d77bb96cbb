"""Two customers become one: what is written, in one transaction. Pure.

Who remains gets the newest traits, the stricter consents, all cap units and all identities. The
other's profile becomes a pointer. Enrollments are not moved: state machines run under the other's
id, so the profile lists it in `merged` until nothing of it lives any more.

Items of identities are not touched: they lead to the pointer, and each is moved when it is next
named. The other's consents stay as they are: a reader who knows the pointer reads them no more, and
one who does not must not find none.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.groups import united_groups
from stepwell.customers.profiles import MAX_ANONYMOUS_IDS, MAX_PREVIOUS_IDS, known_by_traits
from stepwell.customers.resolving import came_to, former_of, merged_of
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.traits import read_traits
from stepwell.storage.operations import NEW, Conditions, Item, Operation, Put, equals
from stepwell.timestamps import to_text

REVOKED = "revoked"
MAX_NOT_JOINED = 20


def merge(
    winner: Snapshot, loser: Snapshot, *, by: str, event: str, now: datetime
) -> list[Operation]:
    """`by` is the kind of identity and `event` the id of the event that joined them."""
    seq = max(winner.seq, loser.seq) + 1
    at = to_text(now)
    pointer: Item = {
        "merged_into": winner.customer,
        "winner_seq": seq,
        "seq": loser.seq + 1,
        "touched": [],
        "created_at": (loser.profile or {})["created_at"],
        "updated_at": at,
    }
    record: Item = {"customer": loser.customer, "at": at, "by": by, "event": event}
    return [
        Put(keys.profile(winner.customer), _profile(winner, loser, seq, at), _as_read(winner)),
        Put(keys.profile(loser.customer), pointer, _as_read(loser)),
        *_consents(winner, loser),
        *_caps(winner, loser),
        Put(keys.merge(winner.customer, loser.customer), record),
    ]


def _as_read(snapshot: Snapshot) -> Conditions:
    return (equals("seq", snapshot.seq),)


def _profile(winner: Snapshot, loser: Snapshot, seq: int, at: str) -> Item:
    ours, theirs = dict(winner.profile or {}), dict(loser.profile or {})
    traits = read_traits(theirs).united(read_traits(ours))
    united = {name: each for name, each in ours.items() if name not in ("pk", "sk")}
    united = known_by_traits(united, traits.values, _tokens(theirs) + _tokens(ours))
    united |= traits.items() if traits.times else {}
    united |= {
        "seq": seq,
        "touched": [],
        "created_at": min(ours["created_at"], theirs["created_at"]),
        "updated_at": at,
        "former": [*former_of(winner), loser.customer, *former_of(loser)],
        "merged": [
            *merged_of(winner),
            *([loser.customer] if loser.enrollments else []),
            *merged_of(loser),
        ],
    }
    return united | _lists(ours, theirs) | _of_the_newer(ours, theirs)


def _tokens(profile: Item) -> list[str]:
    return list(profile.get("addresses", {}).get("push", ()))


def _lists(ours: Item, theirs: Item) -> Item:
    """What both may have several of, what is told last being the winner's."""
    own, other = ours.get("user_id"), theirs.get("user_id")
    lists = {
        "anonymous_ids": _all_of("anonymous_ids", theirs, ours)[-MAX_ANONYMOUS_IDS:],
        "not_joined": _all_of("not_joined", theirs, ours)[-MAX_NOT_JOINED:],
    }
    previous = _all_of("previous_ids", theirs, ours) + ([other] if other and other != own else [])
    lists["previous_ids"] = [each for each in dict.fromkeys(previous) if each != own][
        -MAX_PREVIOUS_IDS:
    ]
    came: dict[str, list[int]] = came_to(ours)
    for kind, times in came_to(theirs).items():
        came[kind] = sorted([*came.get(kind, ()), *times])
    found: Item = {name: each for name, each in lists.items() if each}
    return found | ({"came_to": came} if came else {})


def _all_of(name: str, *profiles: Item) -> list[Any]:
    return list(dict.fromkeys(each for profile in profiles for each in profile.get(name, ())))


def _of_the_newer(ours: Item, theirs: Item) -> Item:
    """What has no time of its own: the word of who was heard of last."""
    older, newer = sorted((theirs, ours), key=lambda each: str(each["updated_at"]))
    zone = newer.get("context_zone") or older.get("context_zone")
    groups = united_groups(older, newer)
    found: Item = {"context_zone": zone} if zone else {}
    return found | ({"groups": json.dumps(groups, separators=(",", ":"))} if groups else {})


def _consents(winner: Snapshot, loser: Snapshot) -> list[Operation]:
    """For each purpose and channel a no of either one; of two alike answers the later one."""
    ours = dict((winner.consents or {}).get("grants", {}))
    theirs = (loser.consents or {}).get("grants", {})
    if not theirs:
        return []
    for name, grant in theirs.items():
        answers = [each for each in (grant, ours.get(name)) if each]
        ours[name] = max(answers, key=lambda each: (each["status"] == REVOKED, each["at"]))
    return [Put(keys.consents(winner.customer), {"grants": ours})]


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
