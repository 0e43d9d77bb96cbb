"""A customer about to get a message, and the way through the functions as send_message goes it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from stepwell.customers import keys, slots
from stepwell.journeys.program import Program, load_program
from stepwell.messages.ask import ask
from stepwell.messages.deliver import deliver
from stepwell.messages.imprint import Imprint
from stepwell.messages.lanes import Lane
from stepwell.messages.policies import Policies, load_policies, policies_document
from stepwell.messages.request import read_request
from stepwell.messages.reserve import reserve_unit
from stepwell.ports import Outgoing, Provider
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Put, Store, TableName, Update
from stepwell.timestamps import to_text
from tests.support.fakes import plain_hasher
from tests.support.programs import entry

SHIPPED = Path(__file__).parents[2] / "statemachines" / "policies.yaml"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CUSTOMER = "c1"
JOURNEY = "cart"
ENROLLMENT = "cart#0123456789abcdef"
EXECUTION = "c1-0123456789abcdef-7"
RUN = 7
TEMPLATE = {
    "sms": {"body": "Hello {{ customer.traits.first_name }}"},
    "push": {"title": "Hello", "body": "{{ event.properties.product }}"},
    "email": {"subject": "Hello", "html": "<p>{{ customer.traits.first_name }}</p>"},
}


def shipped_policies(quiet_from: str = "21:00", **changes: Any) -> Policies:
    """The policies that ship; `changes` replace fields."""
    return replace(_shipped(quiet_from), **changes)


@cache
def _shipped(quiet_from: str) -> Policies:
    text = SHIPPED.read_text(encoding="utf-8").replace('from: "21:00"', f'from: "{quiet_from}"')
    return load_policies(json.dumps(policies_document(text)))


def message_program(**changes: Any) -> Program:
    """The program of `message_document`."""
    return load_program(json.dumps(message_document(**changes)))


def message_document(**changes: Any) -> dict[str, Any]:
    """A journey of one message, `suggest`, before a hold, `wait`; `changes` are the message's."""
    message = {
        "kind": "message",
        "id": "suggest",
        "name": "Suggest",
        "purpose": "marketing",
        "channels": ["sms", "push", "email"],
        "template": TEMPLATE,
        "on_quiet_hours": "wait",
        "on_cap": "skip",
        "worthless_after_seconds": None,
        "opens": "wait",
    }
    return {
        "journey": JOURNEY,
        "draining": False,
        "entry": entry("Started"),
        "exits": [],
        "goal": None,
        "first": None,
        "steps": [message | changes],
    }


@dataclass
class OneProgram:
    program: Program

    def live(self) -> list[Program]:
        return [self.program]

    def version(self, version: str) -> Program:
        assert version == self.program.version
        return self.program


@dataclass
class Outbox:
    """A provider that keeps what it sent. `fails` are raised in turn; None accepts."""

    fails: list[Exception | None] = field(default_factory=list)
    before: Callable[[], None] = field(default=lambda: None)
    after: Callable[[], None] = field(default=lambda: None)
    sent: list[Outgoing] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, outgoing: Outgoing) -> str:
        self.before()
        with self.lock:
            failure = self.fails.pop(0) if self.fails else None
            if failure is not None:
                raise failure
            self.sent.append(outgoing)
            number = len(self.sent)
        self.after()
        return f"provider-{number}"


@dataclass
class World:
    """One customer, one running enrollment, three outboxes; time stands still until moved."""

    store: Store = field(default_factory=MemoryStore)
    program: Program = field(default_factory=message_program)
    policies: Policies = field(default_factory=shipped_policies)
    now: datetime = NOON
    imprint: Imprint = field(default_factory=Imprint)
    sms: Outbox = field(default_factory=Outbox)
    push: Outbox = field(default_factory=Outbox)
    email: Outbox = field(default_factory=Outbox)
    lanes: Mapping[str, Lane] = field(default_factory=dict)
    attempts: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.put_profile()
        self.put_consents("sms", "push", "email")
        self.put_enrollment()

    def put_profile(self, **changes: Any) -> None:
        item = {
            "seq": 9,
            "traits": json.dumps({"first_name": "Ada"}),
            "zone": "UTC",
            "addresses": {
                "sms": "+447700900123",
                "push": ["old-token", "new-token"],
                "email": "ada@example.com",
            },
        }
        self.store.write(Put(keys.profile(CUSTOMER), item | changes))

    def put_consents(
        self, *channels: str, status: str = "granted", purpose: str = "marketing"
    ) -> None:
        grants = {
            f"{purpose}#{each}": {"status": status, "at": to_text(NOON), "proof": "event-1"}
            for each in channels
        }
        self.store.write(Put(keys.consents(CUSTOMER), {"grants": grants}))

    def put_enrollment(self, enrollment: str = ENROLLMENT, **changes: Any) -> None:
        event = {
            "id": "e1",
            "name": "Started",
            "timestamp": to_text(NOON),
            "type": "track",
            "properties": {"product": "Dress", "note": None},
        }
        item = {"status": slots.ACTIVE, "run": RUN, "entry_event": json.dumps(event)}
        self.store.write(Put(keys.enrollment(CUSTOMER, enrollment), item | changes))

    def put_units(self, *units: tuple[str, timedelta]) -> None:
        """Confirmed marketing units: channel, and how long ago."""
        written = [
            {
                "message": f"other-{number}",
                "at": to_text(self.now - ago),
                "channel": channel,
                "purpose": "marketing",
                "state": "confirmed",
            }
            for number, (channel, ago) in enumerate(units)
        ]
        self.store.write(Put(keys.caps(CUSTOMER), {"version": 1, "units": written}))

    def state(self, asked: int = 0, **changes: Any) -> dict[str, Any]:
        """The input of send_message."""
        return {
            "customer": CUSTOMER,
            "enrollment": ENROLLMENT,
            "run": RUN,
            "execution": EXECUTION,
            "journey": JOURNEY,
            "version": self.program.version,
            "step": "suggest",
            "asked": asked,
        } | changes

    def send(
        self, asked: int = 0, *, store: Store | None = None, **changes: Any
    ) -> Mapping[str, Any]:
        """The answer of send_message: what its machine does, one function after the other."""
        state = self.state(asked, **changes)
        result = self.consent(state, store)
        while result["outcome"] != "answered":
            result = self.cap(state, store)
            if result["outcome"] == "go":
                result = self.deliver(state, store)
        answer: Mapping[str, Any] = result["answer"]
        return answer

    def consent(self, state: dict[str, Any], store: Store | None = None) -> dict[str, Any]:
        return self._keep(
            state,
            "consent",
            ask(
                read_request(state, self._attempt()),
                store=store or self.store,
                programs=OneProgram(self.program),
                policies=self.policies,
                hasher=plain_hasher,
                now=self.now,
            ),
        )

    def cap(self, state: dict[str, Any], store: Store | None = None) -> dict[str, Any]:
        return self._keep(
            state,
            "cap",
            reserve_unit(
                read_request(state, self._attempt()),
                store=store or self.store,
                programs=OneProgram(self.program),
                policies=self.policies,
                now=self.now,
            ),
        )

    def deliver(
        self, state: dict[str, Any], store: Store | None = None, attempt: str | None = None
    ) -> dict[str, Any]:
        return self._keep(
            state,
            "delivery",
            deliver(
                read_request(state, attempt or self._attempt()),
                store=store or self.store,
                programs=OneProgram(self.program),
                policies=self.policies,
                providers=self.providers(),
                hasher=plain_hasher,
                now=lambda: self.now,
                imprint=self.imprint,
                lanes=self.lanes,
            ),
        )

    def providers(self) -> dict[str, Provider]:
        return {"sms": self.sms, "push": self.push, "email": self.email}

    def _keep(self, state: dict[str, Any], name: str, result: dict[str, Any]) -> dict[str, Any]:
        # As between two functions: through JSON.
        state[name] = json.loads(json.dumps({"result": result}))
        kept: dict[str, Any] = state[name]["result"]
        return kept

    def _attempt(self) -> str:
        return f"attempt-{next(self.attempts)}"

    def message(self) -> Item | None:
        return self.store.get(keys.message(CUSTOMER, f"{EXECUTION}.suggest"))

    def decisions(self) -> list[Item]:
        return self.store.query(
            TableName.RECORDS, keys.partition(CUSTOMER), prefix=keys.DECISION_PREFIX
        )

    def units(self) -> list[dict[str, Any]]:
        units: list[dict[str, Any]] = (self.store.get(keys.caps(CUSTOMER)) or {}).get("units", [])
        return units

    def enrollment(self) -> Item:
        return self.store.get(keys.enrollment(CUSTOMER, ENROLLMENT)) or {}

    def sent(self) -> list[Outgoing]:
        return [*self.sms.sent, *self.push.sent, *self.email.sent]


def end_enrollment(world: World) -> None:
    key = keys.enrollment(CUSTOMER, ENROLLMENT)
    world.store.write(Update(key, {"status": "ended", "outcome": "exited", "ended_by": "e2"}))
