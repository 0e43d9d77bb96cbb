"""The living profile: what 100 computed traits and 100 segments cost the router, and how fast they
are computed from the archive.

Half of the events are counted, each by ten traits of as many kinds; the other half is not. Every
customer has had 20 events when measuring begins. What time alone changes is the sweep's, and comes
to an event of its own each time: none of it is due here.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from stepwell.customers.identity_rules import IdentityRules
from stepwell.customers.owners import Owners
from stepwell.customers.routing import Router
from stepwell.events.archive import in_order, pack, unpack
from stepwell.events.model import Event, from_message
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.journeys.program import Program
from stepwell.journeys.reactions import Catalog
from stepwell.profile.recomputing import Recomputation
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from tests.bench.measurement import Measurement, at_least
from tests.bench.router import NoExecutions, hashed

CUSTOMERS = 499
"""A prime: everybody does everything in turn."""
BEFORE, EVENTS = 10_000, 5_000
COUNTED = 10
"""Names of events that are counted, and as many that are not."""
NOW = datetime(2026, 11, 24, tzinfo=UTC)

NO_PROGRAMS: Mapping[str, Program] = {}

_KINDS: tuple[Mapping[str, Any], ...] = (
    {"kind": "count"},
    {"kind": "count", "within": 7 * 86_400},
    {"kind": "count", "within": 180 * 86_400},
    {"kind": "sum", "value": "event.properties.price"},
    {"kind": "sum", "value": "event.properties.price", "within": 30 * 86_400},
    {"kind": "last"},
    {"kind": "max", "value": "event.properties.price"},
    {"kind": "distinct", "value": "event.properties.product_id"},
    {"kind": "most_frequent", "value": "event.properties.product_id"},
    {"kind": "count", "where": "event.properties.price >= 50.0"},
)
_CONDITIONS = (
    "customer.computed.t{n}_0 >= 3.0",
    "customer.computed.t{n}_1 >= 2.0 && customer.traits.plan == 'gold'",
    "customer.computed.t{n}_2 >= 10.0",
    "customer.computed.t{n}_3 > 500.0 || customer.computed.t{n}_4 > 100.0",
    "now - customer.computed.t{n}_5 > duration('168h')",
    "customer.computed.t{n}_6 >= 90.0",
    "customer.computed.t{n}_7 >= 5.0 && customer.segments.s{n}_0",
    "has(customer.computed.t{n}_8) && customer.computed.t{n}_8.count >= 3.0",
    "customer.computed.t{n}_9 >= 1.0 && !customer.segments.s{n}_4",
    "customer.traits.plan == 'gold' && customer.consents.marketing.email",
)


def measure() -> list[Measurement]:
    bodies = [_body(number) for number in range(BEFORE + EVENTS)]
    plain, _ = _rate(ProfileRules(), bodies)
    living, store = _rate(profile_rules(), bodies)
    share = f"without them {plain:,.0f}; half of the events are counted, by 10 traits each"
    recomputed, size = _recomputed(store, bodies)
    return [
        Measurement(
            "living profile",
            "router with 100 computed traits, 100 segments",
            living,
            "/s·core",
            at_least(1_500),
            share,
        ),
        Measurement(
            "living profile",
            "100 computed traits from the archive",
            recomputed,
            "/s·core",
            None,
            f"{size / 1024:.0f} KB of memory a customer; S3 and DynamoDB apart",
        ),
    ]


def profile_rules() -> ProfileRules:
    computed = [
        {"name": f"t{n}_{k}", "event": f"Counted {n}", **_read(kind)}
        for n in range(COUNTED)
        for k, kind in enumerate(_KINDS)
    ]
    segments = [
        {"name": f"s{n}_{k}", "when": parse(condition.format(n=n))}
        for n in range(COUNTED)
        for k, condition in enumerate(_CONDITIONS)
    ]
    return ProfileRules({"computed": computed, "segments": segments})


def _read(kind: Mapping[str, Any]) -> dict[str, Any]:
    trees = {name: parse(kind[name]) for name in ("where", "value") if name in kind}
    return {**kind, **trees}


def _rate(rules: ProfileRules, bodies: list[str]) -> tuple[float, MemoryStore]:
    """Events per second of this one thread, those of before apart."""
    ids, store = count(), MemoryStore()
    router = Router(
        store,
        Catalog([], NO_PROGRAMS.__getitem__),
        NoExecutions(),
        hashed,
        lambda: f"c{next(ids):024d}",
        profile=rules,
    )
    for body in bodies[:BEFORE]:
        _route(router, body)
    before = time.process_time()
    for body in bodies[BEFORE:]:
        _route(router, body)
    return EVENTS / (time.process_time() - before), store


def _route(router: Router, body: str) -> None:
    event = from_message(body)
    router.route(event, event.received_at)


def _recomputed(store: MemoryStore, bodies: list[str]) -> tuple[float, float]:
    """Events per second from the archive's objects, and bytes a customer."""
    objects = [content for some in _tens(bodies) for _, content in pack((b, "1") for b in some)]
    recomputation = _new(store)
    before = time.process_time()
    for minute in _minutes(objects):
        recomputation.take(minute)
    settled = recomputation.settle(lambda updates: [True] * len(updates), NOW)
    elapsed = time.process_time() - before
    if settled.already != CUSTOMERS:
        raise RuntimeError(f"the archive gives other traits than the router: {settled}")
    tracemalloc.start()
    again = _new(store)
    for minute in _minutes(objects):
        again.take(minute)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return len(bodies) / elapsed, size / CUSTOMERS


def _new(store: MemoryStore) -> Recomputation:
    return Recomputation(store, Owners(store, hashed, IdentityRules()), profile_rules())


def _tens(bodies: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(bodies), 10):
        yield bodies[start : start + 10]


def _minutes(objects: list[bytes]) -> Iterator[list[Event]]:
    for content in objects:
        yield in_order(unpack(content))


def _body(number: int) -> str:
    name = f"{'Counted' if number % 2 else 'Other'} {number // 2 % COUNTED}"
    at = NOW - timedelta(days=6) + timedelta(seconds=30 * number)
    price = float(number * 37 % 100) + 0.5
    properties = {"product_id": f"p{number * 31 % 97}", "price": price, "currency": "GBP"}
    document = {
        "id": f"m{number}",
        "source": "bench",
        "type": "track",
        "name": name,
        "user_id": f"u{number * 7919 % CUSTOMERS}",
        "anonymous_id": None,
        "properties": properties,
        "traits": {},
        "context": {},
        "timestamp": at.isoformat(),
        "received_at": at.isoformat(),
    }
    return json.dumps(document)
