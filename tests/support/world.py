"""A router on a store in memory, and what it did."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stepwell.customers import keys
from stepwell.customers.identity_rules import USER_ID, IdentityRules
from stepwell.customers.people import load_person
from stepwell.customers.routing import Routed, Router
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event, EventType
from stepwell.journeys.program import Program
from stepwell.journeys.reactions import Catalog
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Store, TableName, Update
from tests.support.fakes import (
    Crash,
    RecordedExecutions,
    plain_hasher,
)
from tests.support.programs import program

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


def event(name: str = "Started", *, number: str = "1", at: datetime = START, **more: Any) -> Event:
    fields: dict[str, Any] = {
        "id": f"{name}-{number}",
        "source": "shop",
        "type": EventType.TRACK,
        "name": name,
        "user_id": "ada",
        "anonymous_id": None,
        "properties": {},
        "traits": {},
        "context": {},
        "timestamp": at,
        "received_at": at,
    }
    return Event(**(fields | more))


def visit(device: str = "a", name: str = "Seen", **more: Any) -> Event:
    """An event of somebody of whom only the device is known."""
    return event(name, **({"user_id": None, "anonymous_id": device, "number": device} | more))


def identify(user: str | None = "ada", device: str | None = None, **more: Any) -> Event:
    """`traits` by keyword; `number` and `at` as of `event`."""
    fields = {name: more.pop(name) for name in ("number", "at", "context") if name in more}
    number = fields.pop("number", f"{user}-{device}-{sorted(more)}")
    return event(
        "",
        number=number,
        type=EventType.IDENTIFY,
        user_id=user,
        anonymous_id=device,
        traits=more,
        **fields,
    )


def alias(user: str, previous: str) -> Event:
    number = f"alias-{user}-{previous}"
    return event("", number=number, type=EventType.ALIAS, user_id=user, previous_id=previous)


class AskedStore(MemoryStore):
    """Notes the partitions that are queried."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def query(self, table: TableName, pk: str, **options: Any) -> list[dict[str, Any]]:
        self.asked.append(pk)
        return super().query(table, pk, **options)


class ToldEvents:
    """Where the events go that others cause."""

    def __init__(self, told: list[Event], crash: Crash) -> None:
        self._told, self._crash = told, crash

    def send(self, events: Sequence[Event]) -> None:
        self._crash.watch(lambda: self._told.extend(events))


class World:
    """A router on a store in memory, with what it asked of Step Functions."""

    def __init__(
        self,
        *programs: Program,
        store: Store | None = None,
        rules: IdentityRules | None = None,
        profile: ProfileRules | None = None,
    ) -> None:
        self.programs = programs or (program(),)
        self.rules = rules or IdentityRules()
        self.profile = profile or ProfileRules()
        self.told: list[Event] = []
        self.store: Store = store or MemoryStore()
        self.executions = RecordedExecutions()
        self._numbers = itertools.count(1)
        self.router = self.make_router()

    def make_router(self, store: Store | None = None, crash: Crash | None = None) -> Router:
        versions = {each.version: each for each in self.programs}
        if crash:
            self.executions.crash = crash
        return Router(
            store=store or self.store,
            catalog=Catalog(self.programs, versions.__getitem__),
            executions=self.executions,
            hasher=plain_hasher,
            new_id=lambda: f"c{next(self._numbers)}",
            rules=self.rules,
            profile=self.profile,
            queue=ToldEvents(self.told, self.executions.crash),
        )

    def send(self, *events: Event, at: datetime | None = None) -> list[Routed]:
        return [self.router.route(each, at or each.received_at) for each in events]

    def person(self, text: str, kind: str = USER_ID) -> Snapshot:
        """Who has this identity by now."""
        identity = self.store.get(keys.identity(kind, plain_hasher(kind, text)))
        assert identity is not None
        return load_person(self.store, identity["customer"])

    def ada(self) -> Snapshot:
        return self.person("ada")

    def enrollment(self, name: str = "cart#one") -> dict[str, Any]:
        return self.ada().enrollments[name]

    def arm(self, token: str, visit: int = 1, name: str = "cart#one") -> None:
        """What the state machine's arm writes."""
        key = keys.enrollment(self.ada().customer, name)
        self.store.write(Update(key, set={"token": token, "token_for": f"wait#{visit}"}))

    def records(self, prefix: str) -> list[dict[str, Any]]:
        partition = keys.partition(self.ada().customer)
        return self.store.query(TableName.RECORDS, partition, prefix=prefix)
