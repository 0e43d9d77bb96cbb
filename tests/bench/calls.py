"""Calls to AWS per event and per enrollment, counted while real handlers work; and what they cost.

An event that starts nothing comes in a batch of 20 from customers who are known. An enrollment is a
cart that nobody orders: the entry's event, a hold that times out, two messages, the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.account import machine_arn
from stepwell.timestamps import to_text
from tests.bench.measurement import Measurement, at_most
from tests.bench.meter import STATE_MACHINE, Meter, metering
from tests.bench.prices import EXPRESS_MEMORY_GB, MEMORY_GB, Bill, function_seconds
from tests.support.stage import PREFIX, Stage

START = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
CUSTOMERS = 20
SENDERS = ("consent", "frequency-cap", "delivery")
_PROVIDERS = ("sesv2:", "sns:")
_READS = {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"}
_BATCH = 10
"""Events that the router gets at once, and entries of one request to SQS."""


def measure() -> list[Measurement]:
    with Stage(START) as stage:
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
    bill = _bill(meter, CUSTOMERS, ("ingest", "router"))
    bill.amounts |= {"http": 1 / 20, "queue": 3 / _BATCH}  # send, receive and delete, ten at a time
    writes = meter.operations["router"] / CUSTOMERS
    told = "operations in its one transaction"
    name = "event that starts nothing"
    return [
        Measurement("calls", f"{name}: reads", reads, "", at_most(2), _named(router)),
        Measurement("calls", f"{name}: writes", writes, "", at_most(2), told),
        Measurement("cost", f"1M of: {name}", bill.dollars(), "$", at_most(5), bill.lines()),
    ]


def _enrollment(meter: Meter, entered: float) -> list[Measurement]:
    callers = ("router", "plan", *SENDERS, STATE_MACHINE)
    calls = _per(meter.of(*callers), CUSTOMERS)
    bill = _bill(meter, CUSTOMERS, callers)
    sends = meter.invocations["consent"] / CUSTOMERS
    bill.amounts |= {"transition": entered} | _express(meter, sends, CUSTOMERS)
    total, told = sum(calls.values()), _named(calls)
    return [
        Measurement("calls", "cart enrollment, two messages", total, "", None, told),
        Measurement("calls", "cart enrollment: transitions", entered, "", None, "as executed"),
        Measurement(
            "cost", "1M of: cart enrollment", bill.dollars(), "$", at_most(260), bill.lines()
        ),
    ]


def _message(meter: Meter) -> list[Measurement]:
    messages = meter.invocations["consent"]
    calls = _per(meter.of(*SENDERS), messages)
    bill = _bill(meter, messages, SENDERS)
    bill.amounts |= {"transition": 2.0} | _express(meter, 1.0, messages)
    return [
        Measurement("calls", "message", sum(calls.values()), "", None, _named(calls)),
        Measurement("cost", "1M of: message step", bill.dollars(), "$", at_most(65), bill.lines()),
    ]


def _bill(meter: Meter, count: int, callers: tuple[str, ...]) -> Bill:
    """What these callers use, per one of `count`; functions' time by assumed durations."""
    invocations = sum(meter.invocations[each] for each in callers) / count
    return Bill(
        {
            "invocation": invocations,
            "function_time": MEMORY_GB * _seconds(meter, callers, invocations, count),
            "write": sum(meter.write_units[each] for each in callers) / count,
            "read": sum(meter.read_units[each] for each in callers) / count,
        }
    )


def _express(meter: Meter, runs: float, count: int) -> dict[str, float]:
    invocations = sum(meter.invocations[each] for each in SENDERS) / count
    seconds = _seconds(meter, SENDERS, invocations, count)
    return {"express": runs, "express_time": EXPRESS_MEMORY_GB * seconds}


def _seconds(meter: Meter, callers: tuple[str, ...], invocations: float, count: int) -> float:
    functions = tuple(each for each in callers if each != STATE_MACHINE)
    calls = _per(meter.of(*functions), count)
    providers = sum(number for name, number in calls.items() if name.startswith(_PROVIDERS))
    return function_seconds(sum(calls.values()) - providers, providers, invocations)


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
