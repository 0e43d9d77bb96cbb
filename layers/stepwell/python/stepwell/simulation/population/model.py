"""A population as data: who its customers are, what they do, how they answer messages.

Plain and frozen, so that it goes to worker processes as it is. `reader` makes it from the YAML
file; docs/populations.md describes that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any


@dataclass(frozen=True, slots=True)
class Always:
    """The same value for everybody."""

    value: Any


@dataclass(frozen=True, slots=True)
class Choices:
    """One of the values; `cumulative` are their weights, added up."""

    values: tuple[Any, ...]
    cumulative: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Evenly between the two, both included: whole numbers, or amounts with two decimals."""

    low: float
    high: float
    whole: bool


@dataclass(frozen=True, slots=True)
class BetweenDates:
    """A date evenly between the two, both included, as a text such as 2026-11-20."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Fresh:
    """An id that no other event has: `<prefix>-<customer>-<count>`."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Same:
    """What a property above it has."""

    name: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A property of the event before, plus something if so said; left out when that has none."""

    name: str
    plus: Between | Same | None = None


Value = Always | Choices | Between | BetweenDates | Fresh | Same | Carried


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds until something follows: evenly from `low` to `high`, or about `mean`.

    `mean` is that of an exponential distribution: mostly sooner, at times much later.
    """

    low: float = 0.0
    high: float = 0.0
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """An event that a customer sends, and what may follow from it."""

    event: str
    properties: tuple[tuple[str, Value], ...]
    then: tuple[FollowUp, ...]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """`chance` from 0 to 1."""

    action: Action
    chance: float
    delay: Delay


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a share of the customers does again and again.

    `id` is the name as a part of ids, `per_day` the average rate of one of them, `hours` the
    cumulative weights of the 24 local hours at which it begins, `at_most` how often at all.
    """

    name: str
    id: str
    action: Action
    share: float
    per_day: float
    hours: tuple[float, ...]
    at_most: int | None


@dataclass(frozen=True, slots=True)
class Response:
    """What an accepted message leads to. Of journey, step (its id) and channel, None means any."""

    journey: str | None
    step: str | None
    channel: str | None
    follow_up: FollowUp

    def answers(self, journey: str, step: str, channel: str) -> bool:
        return (
            self.journey in (None, journey)
            and self.step in (None, step)
            and self.channel in (None, channel)
        )


@dataclass(frozen=True, slots=True)
class Home:
    """Where customers live: an IANA zone, and an ISO 3166 country if told."""

    zone: str
    country: str | None


@dataclass(frozen=True, slots=True)
class Consent:
    """Shares of customers who said yes and no; nobody asked the others."""

    granted: float
    revoked: float


@dataclass(frozen=True, slots=True)
class Population:
    """`cumulative` are the homes' weights, added up; `unknown_zone` the share who do not tell."""

    start: date
    days: int
    homes: tuple[Home, ...]
    cumulative: tuple[float, ...]
    unknown_zone: float
    addresses: Mapping[str, float]
    consents: Mapping[str, Mapping[str, Consent]]
    traits: tuple[tuple[str, Value], ...]
    behaviours: tuple[Behaviour, ...]
    responses: tuple[Response, ...]


def cumulative(weights: list[float]) -> tuple[float, ...]:
    return tuple(accumulate(weights))
