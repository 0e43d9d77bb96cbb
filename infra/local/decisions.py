"""Decision records as they are made: one readable line each, and what there was in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stepwell import timestamps
from stepwell.customers import keys
from stepwell.customers.zones import zones_of

_STYLES = {"sent": "green", "deferred": "yellow", "suppressed": "cyan"}
_CUSTOMER = len(keys.partition(""))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a line shows. Times are ISO 8601 texts; `channel`, `reason` and `until` may be empty."""

    at: str
    customer: str
    journey: str
    step: str
    channel: str
    outcome: str
    reason: str
    until: str


def read_decision(item: Mapping[str, Any]) -> Decision | None:
    """The decision in an item in DynamoDB's JSON; None when it is another kind of item."""
    if not item["sk"]["S"].startswith(keys.DECISION_PREFIX):
        return None
    values = {name: _plain(value) for name, value in item.items()}
    return Decision(
        at=values["at"],
        customer=values["pk"][_CUSTOMER:],
        journey=values["journey"],
        step=values["step"],
        outcome=values["outcome"],
        **{name: str(values.get(name) or "") for name in ("channel", "reason", "until")},
    )


def _plain(value: Any) -> Any:
    return TypeDeserializer().deserialize(value)


@dataclass(frozen=True, slots=True)
class Person:
    """How a line names a customer, and in whose time: their only possible zone, else UTC."""

    name: str
    zone: ZoneInfo


def person(customer: str, profile: Mapping[str, Any]) -> Person:
    """From the customer's profile item, which may be empty."""
    zones = zones_of(profile, None)
    known = zones[0] if len(zones) == 1 else ZoneInfo("UTC")
    names = [profile.get("user_id"), *profile.get("anonymous_ids", []), customer]
    return Person(str(next(filter(None, names))), known)


class DecisionLog:
    """Prints each decision once and keeps it."""

    def __init__(
        self, console: Console, records_table: str, person_of: Callable[[str], Person]
    ) -> None:
        self._console = console
        self._table = records_table
        self._person_of = person_of
        self._lock = threading.Lock()
        self.decisions: list[Decision] = []

    def on_put(self, table: str, item: Mapping[str, Any]) -> None:
        decision = read_decision(item) if table == self._table else None
        if decision is None:
            return
        line = describe(decision, self._person_of(decision.customer))
        with self._lock:
            self.decisions.append(decision)
            self._console.print(line, soft_wrap=True)

    def summary(self) -> Table:
        """How many decisions of each kind there were."""
        with self._lock:
            counts = Counter(
                (each.journey, each.outcome, each.reason, each.channel) for each in self.decisions
            )
        table = Table("journey", "outcome", "reason", "channel", title="Decisions")
        table.add_column("count", justify="right")
        for kind, count in sorted(counts.items()):
            table.add_row(*kind, str(count))
        return table


def describe(decision: Decision, person: Person) -> Text:
    """`2026-11-24 Tue 21:59 EST   ada   cart_abandonment/stylist  sms  sent  …`."""
    parts = (
        f"{local_time(decision.at, person.zone):26}",
        f"{person.name:16}",
        f"{decision.journey}/{decision.step}".ljust(36),
        f"{decision.channel or '-':5}",
    )
    line = Text("  ".join(parts) + "  ")
    line.append(f"{decision.outcome:10}", style=_STYLES.get(decision.outcome, "red"))
    line.append(f"  {decision.reason}")
    if decision.until:
        line.append(f" until {local_time(decision.until, person.zone)}")
    return line


def local_time(text: str, zone: ZoneInfo) -> str:
    return f"{timestamps.from_text(text).astimezone(zone):%Y-%m-%d %a %H:%M %Z}"
