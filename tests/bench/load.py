"""Customers through the whole of Stepwell on one machine, events to messages: `ARGS="load"`.

    python -m tests.bench load                      # 10,000 customers: three quarters of an hour
    python -m tests.bench load --customers 500      # quicker

What is measured: the real handlers, from ingest on, and the committed state machines on moto, in
one process; HTTP and Lambda's event source mappings apart. So it is the speed of this machine and
of moto, not of AWS, and says that nothing is lost or grows out of hand under many customers. It is
not among the benchmarks that run by default, because it takes long.

Each customer signs up, allows one channel and leaves a cart that nobody orders: three events, a
hold that times out, a message, the next morning, another one. They come in days of 500, so that as
many executions wait at a time as a thread each allows.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local import outcome
from infra.local.account import ACCOUNT, REGION
from stepwell.timestamps import to_text
from tests.bench.measurement import Measurement

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
CUSTOMERS = 10_000
A_DAY = 500
EVENTS = 3
MESSAGES = 2
_BATCH = 20
_PATIENCE = 1_800.0
"""Seconds that one moment may take: 500 customers come to theirs at once."""


class LostError(Exception):
    """Something that was sent in did not come out."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a run took and did; seconds of a clock on the wall, GiB at most."""

    customers: int
    events: int
    messages: int
    executions: int
    taking_seconds: float
    """For the events: ingest, queue, router."""
    seconds: float
    cpu_seconds: float
    """What the process itself worked: the same on a machine that does other things besides."""
    gib: float


def measure(customers: int = CUSTOMERS) -> list[Measurement]:
    """In a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "tests.bench.load", str(customers)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if answer.returncode:
        raise LostError(answer.stderr[-2_000:])
    played = Played(**json.loads(answer.stdout))
    name = f"{played.customers:,} customers"
    told = (
        f"{played.events:,} events, {played.executions:,} journeys, {played.messages:,} messages; "
        "in one process on moto"
    )
    rest = played.seconds - played.taking_seconds
    return [
        Measurement("load", f"{name}, events to messages", played.seconds, "s", None, told),
        Measurement("load", f"{name}: work", played.cpu_seconds, "CPU s", None, "of one core"),
        Measurement("load", f"{name}: memory", played.gib, "GiB", None, "moto keeps all histories"),
        Measurement(
            "load",
            "events taken",
            played.events / played.taking_seconds,
            "/s",
            None,
            "ingest, queue, router, starts",
        ),
        Measurement(
            "load", "messages sent", played.messages / rest, "/s", None, "holds, decisions, sends"
        ),
    ]


def main(customers: int) -> None:
    from tests.support.stage import Stage  # noqa: PLC0415 - only this process needs moto

    began, taking = time.perf_counter(), 0.0
    with Stage(START) as stage:
        for day, first in enumerate(range(0, customers, A_DAY)):
            stage.engine.clock.run_until(START + timedelta(days=day), _PATIENCE)
            before = time.perf_counter()
            now = to_text(stage.engine.clock.now())
            _take(stage, _calls(range(first, min(first + A_DAY, customers)), now))
            taking += time.perf_counter() - before
        stage.engine.clock.run_until_idle(_PATIENCE)
        seconds = time.perf_counter() - began
        ended, messages = outcome.look(), _sent()
    _check(customers, ended, messages)
    played = Played(
        customers,
        customers * EVENTS,
        messages,
        customers,
        taking,
        seconds,
        time.process_time(),
        _gib_at_most(),
    )
    print(json.dumps(asdict(played)))


def _take(stage: Any, calls: Iterator[dict[str, Any]]) -> None:
    """Through ingest in batches, then through the router in batches of 10."""
    waiting = list(calls)
    for start in range(0, len(waiting), _BATCH):
        answer = stage.call("batch", {"batch": waiting[start : start + _BATCH]})
        if answer["statusCode"] != 200:
            raise LostError(f"ingest answered {answer}")
        answer = stage.deliver()
        if answer != {"batchItemFailures": []}:
            raise LostError(f"the router answered {answer}")


def _calls(numbers: range, now: str) -> Iterator[dict[str, Any]]:
    granted = {"purpose": "marketing", "channel": "email", "status": "granted"}
    for number in numbers:
        traits = {"email": f"user-{number}@example.com", "timezone": "Europe/London"}
        cart = {
            "cart_id": f"cart-{number}",
            "cart_value": 280.0,
            "currency": "GBP",
            "product_id": "dress-7",
            "name": "Silk midi dress",
            "price": 280.0,
            "quantity": 1,
        }
        about = {"userId": f"user-{number}", "timestamp": now}
        yield {"type": "identify", "messageId": f"i{number}", "traits": traits, **about}
        for word, event, properties in (
            ("g", "Consent Updated", granted),
            ("c", "Product Added", cart),
        ):
            named = {"messageId": f"{word}{number}", "event": event, "properties": properties}
            yield {"type": "track", **named, **about}


def _sent() -> int:
    from moto.sesv2.models import sesv2_backends  # noqa: PLC0415 - as above

    return len(sesv2_backends[ACCOUNT][REGION].core_backend.sent_messages)


def _check(customers: int, ended: outcome.Outcome, messages: int) -> None:
    """Every customer entered once and came to the end, and got both messages, once."""
    journeys: Counter[str] = Counter()
    for (machine, status), count in ended.executions.items():
        if machine.endswith("cart_abandonment"):
            journeys[status] += count
    if ended.is_failure or journeys != {"SUCCEEDED": customers}:
        raise LostError(f"executions: {dict(journeys)}; failed: {ended.failed[:3]}")
    if messages != MESSAGES * customers:
        raise LostError(f"{messages} messages to {customers} customers")


def _gib_at_most() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


if __name__ == "__main__":
    main(int(sys.argv[1]))
