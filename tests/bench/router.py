"""Events per second and core that the router's rules take: store in memory, 50 journeys loaded.

The journeys are the shipped ones and copies that wait for events of other names: a shop's journeys
listen to different things. All of the work on an event is measured: reading its message, identity,
profile, holds, exits, entries, the transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from stepwell.customers.routing import Router
from stepwell.events.envelope import read_call
from stepwell.events.model import Event, from_message, to_message
from stepwell.journeys.program import Program, canonical, load_program
from stepwell.journeys.reactions import Catalog
from stepwell.storage.memory import MemoryStore
from tests.bench.bundle import program_texts
from tests.bench.measurement import Measurement, at_least

JOURNEYS = 50
CUSTOMERS = 2_000
EVENTS = 10_000
REPLAY = Path("events/replays/first_two_days/events.jsonl")
NOW = datetime(2010, 12, 3, tzinfo=UTC)


@dataclass(slots=True)
class NoExecutions:
    """Takes commands and counts them; Step Functions is not what is measured."""

    taken: int = 0

    def start(self, _journey: str, _execution: str, _state: Mapping[str, Any]) -> None:
        self.taken += 1

    def wake(self, _token: str, _result: Mapping[str, Any]) -> None:
        self.taken += 1

    def stop(self, _journey: str, _execution: str, *, error: str, cause: str) -> None:
        self.taken += bool(error and cause)

    def settle_later(self, _customer: str, _execution: str) -> None:
        self.taken += 1


def measure() -> list[Measurement]:
    programs = _programs()
    idle, _ = _rate(programs, _idle_events())
    mixed, commands = _rate(programs, _replayed_events())
    return [
        Measurement("router", "events that start nothing", idle, "/s·core", at_least(5_000)),
        Measurement(
            "router",
            "the replay's events",
            mixed,
            "/s·core",
            at_least(5_000),
            f"one in {EVENTS / max(commands, 1):.1f} starts, wakes or stops",
        ),
    ]


def _rate(programs: dict[str, Program], bodies: list[tuple[str, datetime]]) -> tuple[float, int]:
    """Events per second of this one thread, and how many commands they caused."""
    executions, ids = NoExecutions(), count()
    catalog = Catalog(list(programs.values()), programs.__getitem__)
    router = Router(MemoryStore(), catalog, executions, hashed, lambda: f"c{next(ids):024d}")
    half = len(bodies) // 2
    for body, now in bodies[:half]:
        router.route(from_message(body), now)
    started, before = executions.taken, time.process_time()
    for body, now in bodies[half:]:
        router.route(from_message(body), now)
    elapsed = time.process_time() - before
    return (len(bodies) - half) / elapsed, executions.taken - started


def _programs() -> dict[str, Program]:
    """By version: the shipped journeys, then copies of them for events of other names."""
    shipped = [json.loads(text) for text in program_texts()]
    documents = []
    for number in range(JOURNEYS):
        document = json.loads(json.dumps(shipped[number % len(shipped)]))
        if number >= len(shipped):
            document["journey"] += f"_{number}"
            document["entry"]["event"] += f" {number}"
        documents.append(document)
    programs = [load_program(canonical(document)) for document in documents]
    return {program.version: program for program in programs}


def _idle_events() -> list[tuple[str, datetime]]:
    """Known customers look at products; every fifth adds one too cheap for the cart's journey."""

    def call(number: int) -> dict[str, Any]:
        name = "Product Added" if number % 5 == 0 else "Product Viewed"
        product = {"product_id": f"p{number % 97}", "name": "Mug", "price": 9.5, "quantity": 1}
        cart = {"cart_id": f"cart-{number}", "cart_value": 9.5, "currency": "GBP"}
        return {"type": "track", "event": name, "properties": product | cart}

    return [
        _body(call(number) | {"userId": f"u{number % CUSTOMERS}", "messageId": f"m{number}"}, NOW)
        for number in range(2 * EVENTS)
    ]


def _replayed_events() -> list[tuple[str, datetime]]:
    """The replay over and over, each round with customers and invoices of its own."""
    calls = [json.loads(line) for line in REPLAY.read_text(encoding="utf-8").splitlines()]
    bodies: list[tuple[str, datetime]] = []
    for round_ in count():
        for call in calls:
            if len(bodies) == 2 * EVENTS:
                return bodies
            own = {
                name: f"{call[name]}-{round_}"
                for name in ("userId", "anonymousId", "messageId")
                if name in call
            }
            bodies.append(_body(call | own, datetime.fromisoformat(call["timestamp"])))
    return bodies


def _body(call: dict[str, Any], now: datetime) -> tuple[str, datetime]:
    return to_message(_read(call, now)), now


def _read(call: dict[str, Any], now: datetime) -> Event:
    no_id: Callable[[], str] = str
    body = json.dumps(call).encode()
    return read_call(call["type"], body, source="bench", received_at=now, new_id=no_id)[0]


def hashed(kind: str, value: str) -> str:
    return hmac.new(b"bench", f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()[:32]
