"""What a journey asks: to decide and send one message. Ids and counters only, nothing personal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.values import value


@value
class Request:
    """The input of send_message, with the results of its steps so far.

    `asked` counts how often the messages of this execution were deferred; `attempt` is this
    invocation of a function, by which a claim is told from an earlier one's.
    """

    customer: str
    enrollment: str
    run: int
    execution: str
    journey: str
    version: str
    step: str
    asked: int
    attempt: str
    results: Mapping[str, Mapping[str, Any]]
    message: str
    """The message's id: the same for every ask and every channel."""

    def result(self, name: str) -> Mapping[str, Any]:
        """What an earlier function of this run answered; empty when it did not run."""
        return self.results.get(name) or {}


def read_request(state: Mapping[str, Any], attempt: str) -> Request:
    """Raises KeyError naming what the state lacks."""
    names = ("consent", "cap", "delivery")
    execution, step = state["execution"], state["step"]
    return Request(
        customer=state["customer"],
        enrollment=state["enrollment"],
        run=int(state["run"]),
        execution=execution,
        journey=state["journey"],
        version=state["version"],
        step=step,
        asked=int(state["asked"]),
        attempt=attempt,
        results={name: state[name]["result"] for name in names if name in state},
        message=f"{execution}.{step}",
    )
