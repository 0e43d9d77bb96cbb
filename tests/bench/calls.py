"""Calls to AWS per event and per enrollment, counted while real handlers work; and what they cost.

An event that starts nothing comes in a batch of 20 from customers who are known. An enrollment is a
cart that nobody orders: the entry's event, a hold that times out, two messages, the end.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from infra.local.account import machine_arn
from infra.local.clock import StepClock
from infra.local.messaging import MessagingEndpoint
from infra.settings import STAGES
from infra.settings import Stage as StageName
from stepwell.messages.services import Service
from stepwell.simulation.costs.prices import PriceTable, read_prices
from stepwell.timestamps import to_text
from tests.bench.measurement import Measurement, at_most
from tests.bench.meter import STATE_MACHINE, Meter, metering
from tests.support.stage import PREFIX, Stage

START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
CUSTOMERS = 20
SENDERS = ("consent", "frequency-cap", "delivery")
_PROVIDERS = ("sesv2:", "pinpoint:", "pinpoint-sms-voice-v2:")
_BY_DEFAULT = {
    "SMS_PROVIDER": Service.END_USER_MESSAGING,
    "PUSH_PROVIDER": Service.END_USER_MESSAGING,
    "PUSH_APPLICATION_ID": "0123456789abcdef0123456789abcdef",
    # Texts and email take their turns, as without a setting, but quickly enough to wait for none.
    "LANES": json.dumps(
        {name: {"name": name, "per_second": 1_000} for name in STAGES[StageName.DEV].lanes}
    ),
}
_READS = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"}


@cache
def _prices() -> PriceTable:
    return read_prices()


def measure() -> list[Measurement]:
    with (
        MessagingEndpoint(StepClock(START), lambda _taken: None) as messaging,
        Stage(START, environment=messaging.environment() | _BY_DEFAULT) as stage,
    ):
        _send(stage, _sign_ups())
        _send(stage, _views("warm"))  # programs, secret and write key are read once a process
        with metering() as idle:
            _send(stage, _views("counted"))
        with metering() as carts:
            _send(stage, _carts())
            stage.engine.run_until_idle()
        entered = [len(stage.engine.states(each)) for each in _executions(stage)]
    transitions = sum(entered) / len(entered)
    return [*_idle_event(idle), *_enrollment(carts, transitions), *_message(carts)]


def _idle_event(meter: Meter) -> list[Measurement]:
    router = _per(meter.of("router"), CUSTOMERS)
    reads = sum(number for name, number in router.items() if name in _READS)
    bill = _bill(meter, CUSTOMERS, ("authorizer", "ingest", "router"))
    assumed = _prices().assumptions
    bill |= {
        "http": 1 / assumed.events_per_request,
        "fifo": 3 / assumed.events_per_batch,  # send, receive and delete, a batch at a time
    }
    writes = meter.operations["router"] / CUSTOMERS
    told = "operations in its one transaction"
    asked = _dollars(_bill(meter, CUSTOMERS, ("authorizer",)))
    name = "event that starts nothing"
    return [
        Measurement("calls", f"{name}: reads", reads, "", at_most(2), _named(router)),
        Measurement("calls", f"{name}: writes", writes, "", at_most(2), told),
        Measurement("cost", f"1M of: {name}", _dollars(bill), "$", at_most(5), _largest(bill)),
        Measurement("cost", "… of which the authorizer", asked, "$", None, "asked at every call"),
    ]


def _enrollment(meter: Meter, entered: float) -> list[Measurement]:
    callers = ("router", "plan", *SENDERS, STATE_MACHINE)
    calls = _per(meter.of(*callers), CUSTOMERS)
    bill = _bill(meter, CUSTOMERS, callers)
    sends = meter.invocations["consent"] / CUSTOMERS
    bill |= {"transition": entered} | _express(meter, sends, CUSTOMERS)
    total, told = sum(calls.values()), _named(calls)
    return [
        Measurement("calls", "cart enrollment, two messages", total, "", None, told),
        Measurement("calls", "cart enrollment: transitions", entered, "", None, "as executed"),
        Measurement(
            "cost", "1M of: cart enrollment", _dollars(bill), "$", at_most(260), _largest(bill)
        ),
    ]


def _message(meter: Meter) -> list[Measurement]:
    messages = meter.invocations["consent"]
    calls = _per(meter.of(*SENDERS), messages)
    bill = _bill(meter, messages, SENDERS)
    bill |= {"transition": 2.0} | _express(meter, 1.0, messages)
    return [
        Measurement("calls", "message", sum(calls.values()), "", None, _named(calls)),
        Measurement(
            "cost", "1M of: message step", _dollars(bill), "$", at_most(65), _largest(bill)
        ),
    ]


def _bill(meter: Meter, count: int, callers: tuple[str, ...]) -> dict[str, float]:
    """What these callers use, per one of `count`; functions' time by assumed durations."""
    memory = _prices().assumptions.function_memory_gb
    invocations = sum(meter.invocations[each] for each in callers) / count
    return {
        "invocation": invocations,
        "function_time": memory * _seconds(meter, callers, invocations, count),
        "write": sum(meter.write_units[each] for each in callers) / count,
        "read": sum(meter.read_units[each] for each in callers) / count,
        "put": meter.of(*callers)["s3:PutObject"] / count,
    }


def _express(meter: Meter, runs: float, count: int) -> dict[str, float]:
    memory = _prices().assumptions.express_memory_gb
    invocations = sum(meter.invocations[each] for each in SENDERS) / count
    seconds = _seconds(meter, SENDERS, invocations, count)
    return {"express": runs, "express_time": memory * seconds}


def _seconds(meter: Meter, callers: tuple[str, ...], invocations: float, count: int) -> float:
    functions = tuple(each for each in callers if each != STATE_MACHINE)
    calls = _per(meter.of(*functions), count)
    providers = sum(number for name, number in calls.items() if name.startswith(_PROVIDERS))
    puts = calls.get("s3:PutObject", 0.0)
    inside = sum(calls.values()) - providers - puts
    return _prices().assumptions.function_seconds(inside, providers, invocations, puts)


def _dollars(bill: dict[str, float]) -> float:
    """A million times what the bill has for one."""
    return 1_000_000 * sum(_prices().dollars(bill).values())


def _largest(bill: dict[str, float]) -> str:
    """The largest parts, for the table's note."""
    costs = {name: 1_000_000 * cost for name, cost in _prices().dollars(bill).items()}
    largest = sorted(costs.items(), key=lambda part: -part[1])[:4]
    return ", ".join(f"{name.replace('_', ' ')} ${cost:.2f}" for name, cost in largest if cost)


def _per(counted: Counter[str], count: int) -> dict[str, float]:
    return {name: number / count for name, number in counted.items()}


def _named(calls: dict[str, float]) -> str:
    return ", ".join(f"{name.split(':')[1]} {number:g}" for name, number in sorted(calls.items()))


# ---------------------------------------------------------------- events


def _send(stage: Stage, calls: Iterable[dict[str, Any]]) -> None:
    """Through ingest in batches of 20, then through the router in batches of 10."""
    waiting = list(calls)
    for start in range(0, len(waiting), 20):
        answer = stage.call("batch", {"batch": waiting[start : start + 20]})
        if answer["statusCode"] != 200:
            raise RuntimeError(f"ingest answered {answer}")
    stage.deliver()


def _executions(stage: Stage) -> list[str]:
    arn = machine_arn(f"{PREFIX}cart_abandonment")
    answer = stage.engine.client("stepfunctions").list_executions(stateMachineArn=arn)
    return [each["executionArn"] for each in answer["executions"]]


def _sign_ups() -> Iterator[dict[str, Any]]:
    for number in range(CUSTOMERS):
        traits = {
            "email": f"user-{number}@example.com",
            "phone": f"+447700900{number:03d}",
            "country": "GB",
            "timezone": "Europe/London",
        }
        token = {"device": {"type": "android", "token": f"token-{number}"}}
        yield _call(number, "identify", traits=traits, context=token)
        for channel in ("sms", "push", "email"):
            answer = {"purpose": "marketing", "channel": channel, "status": "granted"}
            yield _call(number, f"consent-{channel}", event="Consent Updated", properties=answer)


def _views(round_: str) -> Iterator[dict[str, Any]]:
    for number in range(CUSTOMERS):
        product = {"product_id": "p1", "name": "Mug", "price": 9.5}
        yield _call(number, f"view-{round_}", event="Product Viewed", properties=product)


def _carts() -> Iterator[dict[str, Any]]:
    for number in range(CUSTOMERS):
        properties = {
            "cart_id": f"cart-{number}",
            "cart_value": 280.0,
            "currency": "GBP",
            "product_id": "dress-7",
            "name": "Silk midi dress",
            "price": 280.0,
            "quantity": 1,
        }
        yield _call(number, "cart", event="Product Added", properties=properties)


def _call(number: int, id_: str, **content: Any) -> dict[str, Any]:
    return {
        "type": "track" if "event" in content else "identify",
        "userId": f"user-{number}",
        "messageId": f"{id_}-{number}",
        "timestamp": to_text(START - timedelta(minutes=1)),
        **content,
    }
