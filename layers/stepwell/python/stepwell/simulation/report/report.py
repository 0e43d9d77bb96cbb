"""The report of a simulation as plain data: what the terminal, the page and JSON show.

Times are whole seconds, moments ISO 8601 texts in UTC, shares numbers from 0 to 1. `as_json` is
stable: fields are added, and `format` counts up when one changes its meaning or goes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from stepwell.simulation.costs.forecast import Forecast
from stepwell.simulation.report.notices import Notice

FORMAT = 1

COUNTED_BY = {
    "endings": ("outcome", "reason"),
    "messages": ("step", "channel", "outcome"),
    "reasons": ("step", "outcome", "reason"),
    "hours": ("channel", "hour"),
    "providers": ("channel", "result"),
}
"""What the `names` of the counts in a field are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was simulated. `source` says in words where customers came from; `policies` is the
    first digits of their hash, `label` what the user called them or another version.
    """

    journeys: dict[str, str]
    """Name -> version."""
    source: str
    seed: int
    customers: int
    start: str
    until: str
    days: float
    policies: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles by nearest rank; None when there is nothing to take them of."""

    count: int
    median: int | None
    p95: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """`entered` counts how often it was come to, restarts apart."""

    name: str
    kind: str
    detail: str
    entered: int


@dataclass(frozen=True, slots=True)
class Way:
    """From a step ("": the entry) to the next ("": completed); `share` is of all who left the step.

    `seconds` is the time in the step of those who took the way.
    """

    source: str
    target: str
    label: str
    share: float
    seconds: Spread


@dataclass(frozen=True, slots=True)
class Leaving:
    """Runs that ended in a step otherwise than by completing the journey.

    `outcome`: exited, converted, replaced, failed, or running (when the simulation ended).
    """

    step: str
    outcome: str
    share: float
    seconds: Spread


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was seen; `names` say what, in the order of `COUNTED_BY`."""

    names: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Conversions:
    """Runs that reached the goal; `rate` is of all entries. `value` is the sum of `valued` ones."""

    count: int
    rate: float
    after_message: int
    valued: int
    value: float
    seconds: Spread


@dataclass(frozen=True, slots=True)
class JourneyReport:
    """One journey. `again` are runs that were not their enrollment's first, `parallel` first runs
    under a further key of a customer who had entered before.
    """

    journey: str
    version: str
    entries: int
    customers: int
    again: int
    parallel: int
    steps: tuple[Step, ...]
    ways: tuple[Way, ...]
    leavings: tuple[Leaving, ...]
    endings: tuple[Count, ...]
    """Runs by (outcome, reason)."""
    messages: tuple[Count, ...]
    """Messages by (step, channel or "", outcome)."""
    reasons: tuple[Count, ...]
    """Decisions that sent nothing by (step, outcome, reason)."""
    hours: tuple[Count, ...]
    """Messages sent by (channel, local hour "00" to "23", or "unknown")."""
    conversions: Conversions | None
    """None for a journey without a goal."""


@dataclass(frozen=True, slots=True)
class CapReport:
    """`reached[n]` customers had n messages in some window and never more; `above` more than
    allowed. `refusals` counts decisions, `refused_customers` those whom they hit.
    """

    name: str
    at_most: int
    seconds: int
    reached: tuple[int, ...]
    above: int
    refusals: int
    refused_customers: int


@dataclass(frozen=True, slots=True)
class QuietReport:
    """`hour_before` and `hour_after` count sends within 60 minutes of the quiet hours;
    `nearest_…` are minutes on the customer's clock.
    """

    start: str
    end: str
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    deferred: int
    suppressed: int
    passed_over: int
    hour_before: int
    hour_after: int
    nearest_before: int | None
    nearest_after: int | None


@dataclass(frozen=True, slots=True)
class PerCustomer:
    """Messages sent per customer, of all and of those who got any.

    `histogram` has (messages, customers).
    """

    all: Spread
    contacted: Spread
    mean: float
    histogram: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `broken` are the first of `broken_count` things that must never happen: rule,
    customer, journey, step, when, text, reason, and all of it `said` in one line.
    """

    settings: Settings
    customers: int
    events: int
    broken_count: int
    broken: tuple[dict[str, Any], ...]
    broken_groups: tuple[dict[str, Any], ...]
    """All of them, those that are alike together: rule, journey, step, reason, count, and the
    first, as in `broken`.
    """
    notices: tuple[Notice, ...]
    """What is worth a look though it may happen."""
    problem_count: int
    """Warnings that the functions would log; `problems` are the first of them."""
    problems: tuple[str, ...]
    journeys: tuple[JourneyReport, ...]
    caps: tuple[CapReport, ...]
    quiet_hours: tuple[QuietReport, ...]
    per_customer: PerCustomer
    providers: tuple[Count, ...]
    """Calls to providers by (channel, result)."""
    calls: dict[str, int]
    """What AWS would have been asked, by the names of `Trace.calls`."""
    cost: Forecast | None
    """None when no time passed."""

    def as_json(self) -> dict[str, Any]:
        """Every field by its name; each `Count` with its names spelled out, see `COUNTED_BY`."""
        document = {"format": FORMAT, **asdict(self)}
        for part in (document, *document["journeys"]):
            for name, by in COUNTED_BY.items():
                if name in part:
                    part[name] = [
                        dict(zip(by, each["names"], strict=True)) | {"count": each["count"]}
                        for each in part[name]
                    ]
        return document

    def sent(self) -> int:
        """Messages sent."""
        return sum(
            each.count
            for journey in self.journeys
            for each in journey.messages
            if each.names[2] == "sent"
        )
