"""What customers do in the period: their events, each at its moment, from seed and number alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from math import log
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.customers.zones import load_zone
from stepwell.events.model import Event
from stepwell.simulation.population.model import (
    Action,
    Behaviour,
    Delay,
    FollowUp,
    Population,
)
from stepwell.simulation.population.people import Person, randomness, track
from stepwell.simulation.population.values import draw_all, pick
from stepwell.values import value


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`, both UTC, whole days long."""

    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        return (self.end - self.start).days


def period_of(population: Population, days: int | None = None) -> Period:
    """The population's own period; `days` is another length."""
    start = datetime.combine(population.start, time(), UTC)
    return Period(start, start + timedelta(days=days or population.days))


def make_events(population: Population, period: Period, seed: int, person: Person) -> list[Event]:
    """All that the customer does of their own accord, and what follows from it, by behaviour.

    Nothing is begun outside the period; what was begun in it is played to its end.
    """
    events: list[Event] = []
    for behaviour in population.behaviours:
        rng = randomness(seed, person.number, behaviour.name)
        moments = _moments(behaviour, period, person.zone, rng)
        if moments:
            ids = (f"{person.number}-{behaviour.id}-{each}" for each in count(1))
            acting = Acting(person.user_id, rng, ids)
            for moment in moments:
                acting.act(behaviour.action, moment, {}, events)
    return events


@value
class Acting:
    """Somebody doing something: their user id, randomness, and ids for events and properties."""

    user: str
    rng: Random
    ids: Iterator[str]

    def act(
        self, action: Action, at: datetime, before: Mapping[str, Any], events: list[Event]
    ) -> None:
        """Add the event to `events`, then what follows from it."""
        properties = draw_all(action.properties, self.rng, self.ids, before)
        events.append(track(self.user, next(self.ids), at, action.event, properties))
        for follow_up in action.then:
            self.follow(follow_up, at, properties, events)

    def follow(
        self, follow_up: FollowUp, after: datetime, before: Mapping[str, Any], events: list[Event]
    ) -> None:
        """Add what follows on an event or a message, if it does."""
        if self.rng.random() < follow_up.chance:
            self.act(follow_up.action, self.later(follow_up.delay, after), before, events)

    def later(self, delay: Delay, after: datetime) -> datetime:
        """Whole seconds after it, at least one: a follow-up comes after what it follows on."""
        if delay.mean is not None:
            seconds = round(self.rng.expovariate(1.0 / delay.mean))
        else:
            seconds = round(delay.low + (delay.high - delay.low) * self.rng.random())
        return after + timedelta(seconds=max(1, seconds))


def _moments(behaviour: Behaviour, period: Period, zone: str, rng: Random) -> list[datetime]:
    """When the behaviour begins: evenly over the days, by local hour over each of them."""
    if rng.random() >= behaviour.share:
        return []
    times = _poisson(behaviour.per_day * period.days, rng)
    if behaviour.at_most is not None:
        times = min(times, behaviour.at_most)
    home = load_zone(zone)
    return sorted([_moment(behaviour, period, home, rng) for _ in range(times)])


def _moment(behaviour: Behaviour, period: Period, home: ZoneInfo | None, rng: Random) -> datetime:
    day = period.start + timedelta(days=int(rng.random() * period.days))
    second = int(rng.random() * 3_600)
    hour = pick(behaviour.hours, rng)
    local = day.replace(hour=hour, minute=second // 60, second=second % 60, tzinfo=home)
    moment = local.astimezone(UTC)
    # A local day begins before or after the period's: what falls out at one end comes in at the
    # other, which keeps the rate.
    if moment < period.start:
        return moment + (period.end - period.start)
    return moment if moment < period.end else moment - (period.end - period.start)


def _poisson(mean: float, rng: Random) -> int:
    """How often something of that average happens: gaps between happenings are exponential."""
    draw = rng.random
    times, passed = 0, -log(1.0 - draw())
    while passed < mean:
        times, passed = times + 1, passed - log(1.0 - draw())
    return times
