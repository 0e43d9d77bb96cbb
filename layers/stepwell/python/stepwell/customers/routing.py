"""Apply one event to its customer, exactly once, and carry out what follows from it.

Two reads (identities, the customer's partition), one transaction (profile, the event's marker, what
the event does to enrollments), then the commands to Step Functions. The transaction is conditional
on everything that was read, so whoever else writes the customer meanwhile makes it be computed
again.

A redelivered event finds its marker: nothing is applied again, and the commands that the marker
holds are issued again, for the first delivery may have ended before it issued them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.customers.identities import Owner, named_by, owner_of
from stepwell.customers.orders import issue
from stepwell.customers.profiles import apply_to_consents, apply_to_profile
from stepwell.customers.snapshot import Snapshot, load_snapshot
from stepwell.events.age import is_fresh
from stepwell.events.model import Event
from stepwell.journeys.happening import Command, Happening, Reaction
from stepwell.journeys.reactions import Catalog, react
from stepwell.ports import Executions, Hasher
from stepwell.storage.operations import (
    NEW,
    ConditionFailedError,
    Conditions,
    Item,
    Key,
    Operation,
    Put,
    Store,
    StoreBusyError,
    TableName,
    Update,
    equals,
)
from stepwell.timestamps import to_text
from stepwell.values import value

MARKER_KEPT = timedelta(days=30)
"""How long a redelivered event is known. SDKs retry for hours, SQS for days."""

_ATTEMPTS = 20
_REREADS = 3
"""How often a customer is read again whose last event is seen in part; milliseconds settle it."""


@value
class Routed:
    """What became of an event. `seq` is its number at the customer."""

    customer: str
    seq: int
    repeated: bool
    commands: tuple[Command, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Router:
    """The router with all it needs; `new_id` makes the ids of new customers."""

    store: Store
    catalog: Catalog
    executions: Executions
    hasher: Hasher
    new_id: Callable[[], str]

    def route(self, event: Event, now: datetime) -> Routed:
        """Raises StoreBusyError when the customer cannot be written; the event must come again."""
        named = named_by(event, self.hasher)
        mark = keys.applied_event(event.fingerprint)
        for attempt in range(_ATTEMPTS):
            marker, found = self._read(mark, named.all())
            if marker:
                return self._repeat(marker)
            owner = owner_of(named, found, has_user=self._has_user, new_id=self.new_id)
            snapshot = (
                Snapshot(owner.customer)
                if owner.is_new
                else load_snapshot(self.store, owner.customer)
            )
            if named.user in owner.claims and "user_id" in (snapshot.profile or {}):
                continue  # somebody else has signed in since `_has_user` looked
            if not snapshot.is_whole and attempt < _REREADS:
                continue
            try:
                return self._apply(event, mark, now, owner, snapshot)
            except ConditionFailedError:
                continue
        raise StoreBusyError("a customer changes faster than an event can be applied")

    def _read(self, mark: Key, identities: list[Key]) -> tuple[Item | None, Mapping[Key, Item]]:
        found = self.store.get_many([mark, *identities])
        return found.pop(mark, None), found

    def _has_user(self, customer: str) -> bool:
        return "user_id" in (self.store.get(keys.profile(customer)) or {})

    def _apply(
        self, event: Event, mark: Key, now: datetime, owner: Owner, before: Snapshot
    ) -> Routed:
        seq = before.seq + 1
        problems: list[str] = []
        profile = apply_to_profile(before, event, seq, problems)
        consents = apply_to_consents(before, event, problems)
        after = Snapshot(
            before.customer, profile, consents or before.consents, before.caps, before.enrollments
        )
        reaction = Reaction()
        if event.name and is_fresh(event, now):
            reaction = react(Happening(event, seq, now, after), self.catalog, self.hasher)
        profile["touched"] = reaction.touched()
        self.store.transact(
            [
                Put(keys.profile(owner.customer), profile, _as_read(before)),
                _marker(mark, owner.customer, seq, reaction.commands, now),
                *owner.puts(),
                *([Put(keys.consents(owner.customer), consents)] if consents else []),
                *reaction.operations(),
            ]
        )
        enrollments = enrollments_after(before.enrollments, reaction.operations())
        for command in reaction.commands:
            issue(command, owner.customer, enrollments, self.catalog, self.executions)
        return Routed(
            owner.customer, seq, False, tuple(reaction.commands), (*problems, *reaction.problems)
        )

    def _repeat(self, marker: Item) -> Routed:
        customer, commands = marker["customer"], _commands(marker)
        if commands:
            enrollments = load_snapshot(self.store, customer).enrollments
            for command in commands:
                issue(command, customer, enrollments, self.catalog, self.executions)
        return Routed(customer, marker["seq"], True, commands)


def enrollments_after(before: Mapping[str, Item], operations: list[Operation]) -> dict[str, Item]:
    """The enrollments as the transaction leaves them, without reading them again."""
    after = dict(before)
    for operation in operations:
        if operation.key.table is not TableName.CUSTOMERS:
            continue
        name = operation.key.sk.removeprefix(keys.ENROLLMENT_PREFIX)
        if isinstance(operation, Put):
            after[name] = operation.item
        elif isinstance(operation, Update):
            after[name] = {**after[name], **operation.set}
    return after


def _as_read(before: Snapshot) -> Conditions:
    return NEW if before.profile is None else (equals("seq", before.seq),)


def _marker(mark: Key, customer: str, seq: int, commands: list[Command], now: datetime) -> Put:
    item: Item = {
        "customer": customer,
        "seq": seq,
        "at": to_text(now),
        "expires": int((now + MARKER_KEPT).timestamp()),
    }
    if commands:
        item["commands"] = [command.document() for command in commands]
    return Put(mark, item, NEW)


def _commands(marker: Item) -> tuple[Command, ...]:
    return tuple(Command(**each) for each in marker.get("commands", ()))
