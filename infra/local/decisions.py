"""Decision records as they are made: one readable line each, and what there was in all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stepwell import timestamps
from stepwell.cli.printing import in_one_line
from stepwell.customers import keys
from stepwell.customers.zones import zones_of

_STYLES = {"sent": "green", "deferred": "yellow", "suppressed": "cyan"}
_ORDINARY = ("sent", "accepted")
"""An outcome that says by itself why."""
_LONGEST_NAME = 18
_CUSTOMER = len(keys.partition(""))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a line shows. Times are ISO 8601 texts; what follows `outcome` may be empty."""

    at: str
    customer: str
    journey: str
    step: str
    outcome: str
    channel: str
    reason: str
    until: str
    detail: str


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
        detail=str(values.get("detail") or _full_caps(values.get("rules") or ())),
        **{name: str(values.get(name) or "") for name in ("channel", "reason", "until")},
    )


def _full_caps(rules: Iterable[Mapping[str, Any]]) -> str:
    """The names of the caps that had no room, from the rules' entries."""
    refused = [entry["refused"] for entry in rules if entry.get("result") == "capped"]
    names = [name for each in refused for channel in each.values() for name in channel["full"]]
    return ", ".join(dict.fromkeys(names))


def _plain(value: Any) -> Any:
    return TypeDeserializer().deserialize(value)


@dataclass(frozen=True, slots=True)
class Person:
    """How a line names a customer, as a sender wrote it, and in whose time: their only possible
    zone, else UTC.
    """

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
        self._widths = Widths()
        self.decisions: list[Decision] = []

    def on_put(self, table: str, item: Mapping[str, Any]) -> None:
        decision = read_decision(item) if table == self._table else None
        if decision is None:
            return
        who = self._person_of(decision.customer)
        with self._lock:
            self._widths = self._widths.holding(decision, who)
            line = describe(decision, who, self._widths)
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


@dataclass(frozen=True, slots=True)
class Widths:
    """Of the columns whose texts are not known beforehand; they grow with what is shown."""

    person: int = 14
    step: int = 35

    def holding(self, decision: Decision, person: Person) -> Widths:
        step = len(_step(decision))
        return Widths(max(self.person, len(shortened(person.name))), max(self.step, step))


def describe(decision: Decision, person: Person, widths: Widths) -> Text:
    """`Tue 24 Nov 21:59 EST ada  cart_abandonment/stylist sms deferred quiet_hours until …`."""
    at = timestamps.from_text(decision.at).astimezone(person.zone)
    parts = (
        f"{at:%a %d %b %H:%M %Z}".ljust(21),
        shortened(person.name).ljust(widths.person),
        _step(decision).ljust(widths.step),
        (decision.channel or "-").ljust(5),
    )
    line = Text(" ".join(parts) + " ")
    line.append(decision.outcome, style=_STYLES.get(decision.outcome, "red"))
    if decision.reason and (decision.outcome, decision.reason) != _ORDINARY:
        line.append(f" {decision.reason}")
    if decision.detail:
        line.append(f" ({in_one_line(decision.detail)})")
    if decision.until:
        until = timestamps.from_text(decision.until).astimezone(person.zone)
        line.append(f" until {_weekday_or_date(until, at)}")
    return line


def _step(decision: Decision) -> str:
    return f"{decision.journey}/{decision.step}"


def _weekday_or_date(moment: datetime, seen_from: datetime) -> str:
    """The weekday while it is clear which one is meant."""
    is_near = moment - seen_from < timedelta(days=6)
    return f"{moment:%a %H:%M}" if is_near else f"{moment:%a %d %b %H:%M}"


def shortened(name: str) -> str:
    """A name of at most 18 characters that can be shown; a longer one lacks its middle."""
    name = in_one_line(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[:9]}…{name[-8:]}"
