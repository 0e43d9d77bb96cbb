"""Customers who become one: the journeys they are in, and what must be true afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from stepwell.customers import keys, slots
from stepwell.customers.identity_rules import DEFAULT_LIMITS, IdentityRules, Limit
from stepwell.events.model import Event
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, TableName, Update
from tests.support.programs import entry, program
from tests.support.world import World, event

PROGRAMS = (
    program(),
    program("again", entry=entry("Started", reentry="always"), exits=[]),
    program("other", entry=entry("Began")),
)


def consent(status: str, **who: Any) -> Event:
    properties = {"purpose": "marketing", "channel": "sms", "status": status}
    return event("Consent Updated", number=f"{status}-{who}", properties=properties, **who)


def limited(**limits: int) -> IdentityRules:
    changed = {kind: Limit(at_most, 86_400) for kind, at_most in limits.items()}
    return IdentityRules(limits={**DEFAULT_LIMITS, **changed})


DEVICE: dict[str, Any] = {"user_id": None, "anonymous_id": "a"}


def at_moment(each: Event, moment: datetime) -> Event:
    return replace(each, timestamp=moment, received_at=moment)


def arm_all(world: World) -> None:
    """What state machines would have armed by now: every open hold."""
    for table, pk, sk, item in items(world):
        active = item.get("status") == slots.ACTIVE and "token" not in item
        if table == TableName.CUSTOMERS and sk.startswith(keys.ENROLLMENT_PREFIX) and active:
            key = keys.enrollment(keys.customer_of(pk), sk.removeprefix(keys.ENROLLMENT_PREFIX))
            token = f"token-{item['journey']}-{item['entered_at']}"
            world.store.write(Update(key, set={"token": token, "token_for": "wait#1"}))


def items(world: World) -> list[tuple[TableName, str, str, Item]]:
    assert isinstance(world.store, MemoryStore)
    return [
        (table, pk, sk, item)
        for (table, pk), partition in world.store._partitions.items()
        for sk, item in partition.items()
    ]


def check(world: World) -> None:
    owners: dict[str, str] = {}
    for _, pk, _, item in items(world):
        if pk.startswith("IDENTITY#"):
            person = _follow(world, item["customer"])
            assert "merged_into" not in (world.store.get(keys.profile(person)) or {})
            owners[pk] = person
    people = set(owners.values())
    tokens: list[str] = []
    users: list[str] = []
    for person in people:
        profile = world.store.get(keys.profile(person)) or {}
        users += [profile["user_id"]] if "user_id" in profile else []
        tokens += profile.get("addresses", {}).get("push", [])
        for former in profile.get("merged", []):
            assert _follow(world, former) == person
    assert len(set(users)) == len(users)
    assert len(set(tokens)) == len(tokens), "a device is somebody's alone"


def _follow(world: World, customer: str) -> str:
    while into := (world.store.get(keys.profile(customer)) or {}).get("merged_into"):
        customer = into
    return customer
