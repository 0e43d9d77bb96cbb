"""What one event changes at its customer: one transaction, and the commands that follow it.

Pure: what was read goes in, operations come out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.customers.applied import applied_with
from stepwell.customers.identities import Named
from stepwell.customers.identity_rules import IdentityRules
from stepwell.customers.joining import (
    device_taken,
    identity_writes,
    noted,
    own_ids,
    problems_of,
    refusal_record,
)
from stepwell.customers.profiles import apply_to_consents, apply_to_profile, consents_write
from stepwell.customers.resolving import Resolution
from stepwell.customers.snapshot import Snapshot
from stepwell.events.age import is_fresh
from stepwell.events.model import Event
from stepwell.events.told import Told
from stepwell.journeys.happening import Command, Happening, Reaction
from stepwell.journeys.reactions import Catalog, react
from stepwell.journeys.reuniting import remember
from stepwell.ports import Hasher
from stepwell.profile.living import live
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import (
    NEW,
    Conditions,
    Item,
    Key,
    Operation,
    Put,
    Update,
    equals,
)
from stepwell.timestamps import to_text
from stepwell.values import value

MARKER_KEPT = timedelta(days=30)
"""How long a redelivered event is known. SDKs retry for hours, SQS for days."""


@value
class Applying:
    """An event, and all that was read for it."""

    event: Event
    named: Named
    mark: Key
    now: datetime
    resolution: Resolution
    found: Mapping[Key, Item]
    owners: Mapping[Key, Snapshot]


@value
class Applied:
    """`enrollments` are those of the person as the transaction leaves them, for the commands;
    `due_at` is when time alone may change something next, empty if it never does.
    """

    seq: int
    operations: list[Operation]
    commands: tuple[Command, ...]
    tells: tuple[Told, ...]
    enrollments: Mapping[Key, Item]
    problems: tuple[str, ...]
    due_at: str


def apply(
    applying: Applying,
    person: Snapshot,
    catalog: Catalog,
    hasher: Hasher,
    rules: IdentityRules,
    profile_rules: ProfileRules,
) -> Applied:
    """`person` is the resolution's, or a new one with nothing yet."""
    event, now, customer = applying.event, applying.now, person.customer
    seq, problems = person.seq + 1, list[str]()
    own = own_ids(customer, applying.named, applying.resolution, applying.found, event.previous_id)
    profile = apply_to_profile(person, event, seq, problems, own, profile_rules.context)
    changes, refusals = noted(profile, applying.resolution, rules, event.received_at)
    profile |= changes | applied_with(person.profile, keys.fingerprint_of(applying.mark))
    consents = apply_to_consents(person, event, seq, problems)
    after = person.with_profile(profile, consents or person.consents)
    lived = live(event, person, after, profile_rules, now, problems, heard=catalog.heard_traits)
    profile = lived.profile
    after = person.with_profile(profile, after.consents)
    starts_nothing = not event.name or not is_fresh(event, now)
    reaction = Reaction()
    if after.merged or not starts_nothing:
        happening = Happening(event, seq, now, after, profile_rules, starts_nothing)
        reaction = react(happening, catalog, hasher)
    if after.merged:
        profile["merged"] = remember(after, reaction, catalog.version, now, seq)
    profile["touched"] = reaction.touched(customer)
    operations: list[Operation] = [
        Put(keys.profile(customer), profile, _as_read(person)),
        _marker(applying.mark, customer, seq, reaction.commands, lived.tells, now),
        *identity_writes(customer, applying.resolution, applying.found),
        *device_taken(customer, applying.resolution, applying.owners),
        *(refusal_record(customer, each, event, now) for each in refusals),
        *([consents_write(customer, consents, person.consents)] if consents else []),
        *reaction.operations(),
    ]
    return Applied(
        seq,
        operations,
        tuple(reaction.commands),
        lived.tells,
        enrollments_after(person, reaction.operations()) if reaction.commands else {},
        (*problems, *problems_of(refusals), *reaction.problems),
        profile.get("due_at", ""),
    )


def enrollments_after(person: Snapshot, operations: Sequence[Operation]) -> dict[Key, Item]:
    """The enrollments as the transaction leaves them, without reading them again."""
    after = {
        keys.enrollment(customer, enrollment_id): item
        for customer, enrollment_id, item in person.all_enrollments()
    }
    for operation in operations:
        if isinstance(operation, Put):
            after[operation.key] = operation.item
        elif isinstance(operation, Update):
            after[operation.key] = {**after[operation.key], **operation.set}
    return after


def _as_read(before: Snapshot) -> Conditions:
    return NEW if before.profile is None else (equals("seq", before.seq),)


def _marker(
    mark: Key,
    customer: str,
    seq: int,
    commands: Sequence[Command],
    tells: Sequence[Told],
    now: datetime,
) -> Put:
    item: Item = {
        "customer": customer,
        "seq": seq,
        "at": to_text(now),
        "expires": int((now + MARKER_KEPT).timestamp()),
    }
    if commands:
        item["commands"] = [_written(each, customer) for each in commands]
    if tells:
        item["tells"] = json.dumps([each.document() for each in tells], separators=(",", ":"))
    return Put(mark, item, NEW)


def _written(command: Command, customer: str) -> Item:
    """The customer is left out where it is the marker's."""
    document = command.document()
    return {name: each for name, each in document.items() if name != "customer" or each != customer}


def commands_of(marker: Item) -> tuple[Command, ...]:
    """The commands of a marker."""
    own = {"customer": marker["customer"]}
    return tuple(Command(**(own | each)) for each in marker.get("commands", ()))


def tells_of(marker: Item) -> tuple[Told, ...]:
    """What was told of the event that the marker is of."""
    return tuple(Told(*each) for each in json.loads(marker.get("tells", "[]")))
