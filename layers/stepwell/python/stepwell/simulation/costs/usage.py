"""What was used: whole numbers that add up, made from a simulation that has been played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    parse,
    region_code_for_country_code,
    region_code_for_number,
)

from stepwell.simulation.costs.segments import segments
from stepwell.simulation.trace import Applied, Sending

BASES = {
    "router": "event",
    "plan": "plan",
    "consent": "consent",
    "frequency_cap": "frequency_cap",
    "delivery": "delivery",
    "hand_over": "hand_over",
    "state_machine": "transition",
    "commands": "resume",
}
"""Who reads and writes the tables, and the name in `Trace.calls` of what makes them do it."""

_NO_COUNTRY = "ZZ"

COMMANDS = ("start", "wake", "stop", "settle")
"""What the router asks for after an event, by the names in `Trace.calls`."""
FUNCTIONS = ("plan", "consent", "frequency_cap", "delivery", "hand_over")
SENDERS = ("consent", "frequency_cap", "delivery")


@dataclass(slots=True)
class Metered:
    """DynamoDB's part, by caller (the keys of BASES), measured on some of the simulations.

    `requests` are calls to DynamoDB, `reads` and `writes` its request units. `calls` is
    `Trace.calls` of the measured simulations, `events` is among them. `stored_bytes` were left at
    their end.
    """

    requests: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    customers: int = 0
    stored_bytes: int = 0


Billed = Counter[tuple[str, str]]
"""By (channel, country): emails, push notifications, SMS segments; the country only of SMS, ""
where a number does not tell it.
"""


def billed(sendings: Iterable[Sending], applied: Iterable[Applied] = ()) -> Billed:
    """What providers charge for: all that they took or may have taken.

    Where a phone number belongs to no country, as those of made-up people may, the customer's last
    word on it in `applied` counts.
    """
    countries = {
        each.customer: each.event.traits["country"].upper()
        for each in applied
        if isinstance(each.event.traits.get("country"), str)
    }
    total: Billed = Counter()
    for sending in sendings:
        if sending.result not in ("accepted", "unknown"):
            continue
        outgoing = sending.outgoing
        if outgoing.channel == "sms":
            told = countries.get(outgoing.tags.get("customer", ""), "")
            country = country_of(outgoing.address) or told
            total["sms", country] += segments(outgoing.content.get("body", ""))
        else:
            total[outgoing.channel, ""] += 1
    return total


@lru_cache(maxsize=65_536)
def country_of(phone: str) -> str:
    """The ISO 3166 country of a phone number in international form, or "".

    Numbers that nobody can have, as made-up people do, are of their calling code's main country.
    """
    try:
        number = parse(phone)
    except NumberParseException:
        return ""
    main = region_code_for_country_code(number.country_code or 0)
    found = region_code_for_number(number) or main
    return found if found.isalpha() and found != _NO_COUNTRY else ""


@dataclass(frozen=True, slots=True)
class Usage:
    """A whole simulation: `seconds` of virtual time, and what happened in them.

    `calls` is `Trace.calls` of all parts; `metered` may be of some of them.
    """

    seconds: float
    customers: int
    entries: int
    messages: int
    calls: Counter[str]
    metered: Metered
    billed: Billed

    def of_tables(self, counted: Counter[str], caller: str) -> float:
        """What a caller reads, writes or asks for, from the measured part to the whole."""
        measured = self.metered.calls[BASES[caller]]
        return counted[caller] * self.calls[BASES[caller]] / measured if measured else 0.0

    def unmeasured(self) -> tuple[str, ...]:
        """Callers that were at work, but not in a part that was measured."""
        return tuple(
            caller
            for caller, basis in BASES.items()
            if self.calls[basis] and not self.metered.calls[basis]
        )
