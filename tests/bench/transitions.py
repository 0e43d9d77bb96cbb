"""State transitions, the largest cost, counted in the compiled machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.journeys.compiler import names
from stepwell.journeys.compiler.transitions import transitions
from tests.bench.bundle import machine
from tests.bench.measurement import Measurement, at_most

MESSAGE = "Stylist suggestion"
DEFERRED = MESSAGE + names.MESSAGE_DEFERRED
HOLD = "Wait for 45 minutes of silence"


def measure() -> list[Measurement]:
    cart = machine("cart_abandonment")
    return [
        Measurement("transitions", "per message step", _answered(cart), "", at_most(2)),
        Measurement("transitions", "more, when deferred", _deferral(cart), "", at_most(4)),
        Measurement("transitions", "per hold that times out", _timed_out(cart), ""),
        Measurement("transitions", "per cart enrollment, nobody orders", _whole(cart), ""),
    ]


def _answered(machine: Mapping[str, Any]) -> int:
    return transitions(machine, MESSAGE, _after(machine, MESSAGE))


def _deferral(machine: Mapping[str, Any]) -> int:
    return transitions(machine, MESSAGE, DEFERRED, MESSAGE)


def _timed_out(machine: Mapping[str, Any]) -> int:
    return transitions(machine, HOLD, HOLD + names.HOLD_CLOSE, MESSAGE)


def _whole(machine: Mapping[str, Any]) -> int:
    """The time limit is reached, both messages are answered, the end; the last state counts."""
    closed, last = HOLD + names.HOLD_CLOSE, "Complete outfit"
    way = (closed, MESSAGE, _after(machine, MESSAGE), last, _after(machine, last))
    return transitions(machine, None, *way) + 1


def _after(machine: Mapping[str, Any], message: str) -> str:
    """Where an answer other than `deferred` leads."""
    choices = machine["States"][message + names.MESSAGE_CHOICE]["Choices"]
    deferred = message + names.MESSAGE_DEFERRED
    return next(str(each["Next"]) for each in choices if each["Next"] != deferred)
