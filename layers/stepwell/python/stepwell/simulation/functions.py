"""What the Lambda functions that state machines call do: the same calls as their handlers make."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepwell.customers.people import load_for_enrollment
from stepwell.handover.handing_over import (
    Ask,
    Destinations,
    give_up,
    hand_over,
    read_failure,
)
from stepwell.handover.telling import read_reference
from stepwell.journeys.planning import plan
from stepwell.messages.ask import ask
from stepwell.messages.deliver import deliver
from stepwell.messages.imprint import Imprint
from stepwell.messages.policies import Policies
from stepwell.messages.request import Request, read_request
from stepwell.messages.reserve import reserve_unit
from stepwell.ports import Hasher, Programs, Provider
from stepwell.storage.operations import Store
from stepwell.timestamps import from_text

FUNCTIONS: Mapping[str, str] = {
    "PlanFunctionArn": "plan",
    "ConsentFunctionArn": "consent",
    "FrequencyCapFunctionArn": "frequency_cap",
    "DeliveryFunctionArn": "delivery",
    "HandOverFunctionArn": "hand_over",
}
"""The functions' names by the placeholders of the definitions."""

IMPRINT = Imprint(
    postal_address="Example Shop, 1 Example Street, London",
    any_link="https://api.example.com/v1/unsubscribe?t=example",
)
"""Nobody's: a simulation sends nothing, and says the same in whatever parts it is played."""

Warn = Callable[[str, str], None]
"""Takes a customer's id and a text that a handler would log as a warning."""


@dataclass(frozen=True)
class Functions:
    """All that the functions are given by their environment. `now` is asked at each use."""

    store: Store
    programs: Programs
    policies: Policies
    providers: Mapping[str, Provider]
    hasher: Hasher
    destinations: Destinations
    now: Callable[[], datetime]
    warn: Warn
    _requests: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one invocation. Raises what the handler would raise."""
        match name:
            case "plan":
                return self._plan(payload)
            case "consent":
                return ask(
                    self._request(payload), **self._shared(), hasher=self.hasher, now=self.now()
                )
            case "frequency_cap":
                return reserve_unit(self._request(payload), **self._shared(), now=self.now())
            case "delivery":
                return deliver(
                    self._request(payload),
                    **self._shared(),
                    providers=self.providers,
                    hasher=self.hasher,
                    now=self.now,
                    imprint=IMPRINT,
                )
            case "hand_over":
                return self._hand_over(payload)
        raise KeyError(name)

    def _hand_over(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        reference = read_reference(payload)
        wanted = Ask(
            reference=reference,
            program=self.programs.version(reference.version),
            policies=self.policies,
            asked_at=from_text(payload["asked_at"]),
            now=self.now(),
        )
        if "failure" in payload:
            return give_up(wanted, read_failure(payload["failure"]), store=self.store)
        return hand_over(wanted, store=self.store, destinations=self.destinations)

    def _plan(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        ids = payload["ids"]
        answer = plan(
            self.programs.version(payload["version"]),
            payload["step"],
            enrollment_id=ids["enrollment"],
            snapshot=load_for_enrollment(self.store, ids["customer"]),
            default_zone=self.policies.default_zone,
            now=self.now(),
            profile=self.policies.profile,
        )
        for problem in answer.get("problems", ()):
            self.warn(ids["customer"], problem)
        return answer

    def _request(self, payload: Mapping[str, Any]) -> Request:
        return read_request(payload, attempt=f"attempt-{next(self._requests)}")

    def _shared(self) -> dict[str, Any]:
        return {"store": self.store, "programs": self.programs, "policies": self.policies}
