"""Apply one event to its customer, exactly once, and carry out what follows from it.

Two reads (marker and identities, the customer's partition), one transaction (profile, the event's
marker, what the event does to enrollments), then the commands to Step Functions. The transaction is
conditional on everything that was read, so whoever else writes the customer meanwhile makes it be
computed again.

A redelivered event finds its marker: nothing is applied again, and the commands that the marker
holds are issued again, for the first delivery may have ended before it issued them.

An event that names two customers who are one person first makes them one, in a transaction of its
own, and then begins anew: whoever dies in between leaves two customers, or one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from stepwell.customers import keys
from stepwell.customers.applying import MARKER_KEPT, Applying, apply, commands_of, tells_of
from stepwell.customers.identities import Named, named_by
from stepwell.customers.identity_rules import IdentityRules
from stepwell.customers.merging import merge
from stepwell.customers.orders import issue, place_of
from stepwell.customers.people import load_person
from stepwell.customers.resolving import OTHER_USER, Resolution, refusal_of, resolve
from stepwell.customers.snapshot import Snapshot
from stepwell.events.age import is_fresh
from stepwell.events.intake import Queue
from stepwell.events.model import Event
from stepwell.events.told import Told, told_event
from stepwell.journeys.happening import Command
from stepwell.journeys.progress import listens
from stepwell.journeys.reactions import Catalog
from stepwell.ports import Executions, Hasher
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import ConditionFailedError, Item, Key, Store, StoreBusyError
from stepwell.values import value

__all__ = ["MARKER_KEPT", "Routed", "Router"]

_ATTEMPTS = 20
_REREADS = 3
"""How often a customer is read again whose last event is seen in part; milliseconds settle it."""
_REREADS_TO_JOIN = 10
"""More often where an enrollment that is not seen would not be heard of again."""


@value
class Routed:
    """What became of an event. `seq` is its number at the customer; `merged` are customers who
    became this one before it was applied; `due_at` is when they are to be looked at again, by
    their profile as it was written.
    """

    customer: str
    seq: int
    repeated: bool
    commands: tuple[Command, ...] = ()
    problems: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    due_at: str = ""


NO_IDENTITIES = Named(())
NOBODY = Routed("", 0, False, problems=("its ids name nobody: it is kept in the archive only",))


@dataclass(frozen=True)
class Router:
    """The router with all it needs; `new_id` makes the ids of new customers."""

    store: Store
    catalog: Catalog
    executions: Executions
    hasher: Hasher
    new_id: Callable[[], str]
    rules: IdentityRules = field(default_factory=IdentityRules)
    profile: ProfileRules = field(default_factory=ProfileRules)
    queue: Queue | None = None
    """Where events go that an event causes; None: nothing is told."""

    def route(self, event: Event, now: datetime) -> Routed:
        """Raises StoreBusyError when the customer cannot be written, and QueueUnavailableError; the
        event must come again.
        """
        mark = keys.applied_event(event.fingerprint)
        if event.customer is not None:
            routed = self._route_inside(event, event.customer, mark, now)
            if routed is not None:
                return routed
        named = named_by(event, self.hasher, self.rules)
        if not named.names_somebody():
            return NOBODY
        merged: list[str] = []
        for attempt in range(_ATTEMPTS):
            found = self.store.get_many([mark, *named.keys()])
            marker = found.pop(mark, None)
            if marker:
                return self._repeat(event, marker, merged)
            owners = self._owners(named, found)
            # Limits go by receipt, so that they are the same when the archive is applied again.
            resolution = resolve(
                named,
                owners,
                found,
                self.rules,
                event.received_at,
                listening=partial(self._listening, now),
                moves_devices=is_fresh(event, now),
            )
            rereads = _REREADS if resolution.joins is None else _REREADS_TO_JOIN
            if not resolution.is_there or (not resolution.is_whole and attempt < rereads):
                continue
            try:
                if resolution.joins is None:
                    applying = Applying(event, named, mark, now, resolution, found, owners)
                    return self._apply(applying, merged)
                winner, loser = resolution.joins
                self.store.transact(
                    merge(
                        winner,
                        loser,
                        by=resolution.joined_by,
                        event=event.id,
                        now=now,
                        rules=self.profile,
                        heard=self.catalog.heard_traits,
                    )
                )
                merged.append(loser.customer)
            except ConditionFailedError:
                continue
        raise StoreBusyError("a customer changes faster than an event can be applied")

    def _route_inside(self, event: Event, customer: str, mark: Key, now: datetime) -> Routed | None:
        """An event of the engine itself: of whoever the customer is now, and joins nobody. None
        when there is no such customer.
        """
        profile = keys.profile(customer)
        for attempt in range(_ATTEMPTS):
            found = self.store.get_many([mark, profile])
            if mark in found:
                return self._repeat(event, found[mark], [])
            if profile not in found:
                return None
            person = load_person(self.store, customer)
            if not person.is_whole and attempt < _REREADS:
                continue
            resolution = Resolution(person, None, "", (), (), ())
            try:
                applying = Applying(event, NO_IDENTITIES, mark, now, resolution, {}, {})
                return self._apply(applying, [])
            except ConditionFailedError:
                continue
        raise StoreBusyError("a customer changes faster than an event can be applied")

    def _owners(self, named: Named, found: Mapping[Key, Item]) -> dict[Key, Snapshot]:
        """Whose the identities are. Somebody else's that the first owner knows for that already,
        such as the device of a household, are not looked up again.
        """
        people: dict[str, Snapshot] = {}
        owners: dict[Key, Snapshot] = {}
        strangers: Collection[str] = ()
        for identity in named.identities:
            item = found.get(identity.key)
            if item is None:
                continue
            customer = item["customer"]
            if customer not in people:
                if refusal_of(identity, OTHER_USER).mark in strangers:
                    continue
                people[customer] = load_person(self.store, customer)
                if len(people) == 1:
                    strangers = (people[customer].profile or {}).get("not_joined", ())
            owners[identity.key] = people[customer]
        return owners

    def _listening(self, now: datetime, enrollments: Mapping[str, Item]) -> int:
        """How many of them an event can still reach."""
        return sum(
            listens(now, self.catalog.version(item["version"]), item)
            for item in enrollments.values()
        )

    def _apply(self, applying: Applying, merged: list[str]) -> Routed:
        person = applying.resolution.person or Snapshot(self.new_id())
        applied = apply(applying, person, self.catalog, self.hasher, self.rules, self.profile)
        self.store.transact(applied.operations)
        self._issue(applied.commands, applied.enrollments)
        self._tell(applied.tells, applying.event, person.customer)
        return Routed(
            person.customer,
            applied.seq,
            False,
            applied.commands,
            applied.problems,
            tuple(merged),
            applied.due_at,
        )

    def _repeat(self, event: Event, marker: Item, merged: list[str]) -> Routed:
        customer, commands = marker["customer"], commands_of(marker)
        if commands:
            self._issue(commands, self.store.get_many({place_of(each) for each in commands}))
        self._tell(tells_of(marker), event, customer)
        return Routed(customer, marker["seq"], True, commands, merged=tuple(merged))

    def _tell(self, tells: Sequence[Told], cause: Event, customer: str) -> None:
        if tells and self.queue is not None:
            self.queue.send([told_event(each, cause, customer) for each in tells])

    def _issue(self, commands: Iterable[Command], enrollments: Mapping[Key, Item]) -> None:
        for command in commands:
            issue(command, enrollments, self.catalog, self.executions)
