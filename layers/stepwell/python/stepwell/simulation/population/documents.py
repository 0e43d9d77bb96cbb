"""The shape of a population file, as pydantic models: keys, types and how amounts are written."""

from __future__ import annotations

import re
from datetime import date
from math import inf
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from stepwell.customers.zones import load_zone
from stepwell.journeys.compiler.documents import Document, Text
from stepwell.journeys.compiler.durations import seconds_of
from stepwell.messages.channels import Channel
from stepwell.simulation.population.model import Delay, cumulative
from stepwell.simulation.years import MOST_DAYS, first_day

_DAY = 86_400
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")
_RATE = re.compile(r"(\d+(?:\.\d+)?) per (\S+)")
_HOURS = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")


def _refused(value: object, expected: str) -> PydanticCustomError:
    said = "{value} is not {expected}"
    return PydanticCustomError("SW801", said, {"value": repr(value), "expected": expected})


def _share(value: object) -> float:
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) > 100:
        raise _refused(value, "a share; write one like 40%")
    return float(match[1]) / 100


def _seconds(text: str) -> int:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise PydanticCustomError("SW105", "{said}", {"said": str(error)}) from error


def _rate(value: object) -> float:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _refused(value, "a rate; write one like 1.5 per 30d")
    per_day = float(match[1]) * _DAY / _seconds(match[2])
    if per_day > 1_000:
        raise _refused(value, "a rate of a person, who does nothing 1,000 times a day")
    return per_day


def _delay(value: object) -> Delay:
    if not isinstance(value, str):
        raise _refused(value, "a time; write one like 10m, 10m to 2h, or about 30m")
    if value.startswith("about "):
        return _within(Delay(mean=_seconds(value.removeprefix("about "))), value)
    low, _, high = value.partition(" to ")
    delay = Delay(_seconds(low), _seconds(high or low))
    if delay.low > delay.high:
        raise _refused(value, "a time that ends after it begins")
    return _within(delay, value)


def _within(delay: Delay, value: object) -> Delay:
    if max(delay.high, delay.mean or 0) > MOST_DAYS * _DAY:
        raise _refused(value, f"a time of {MOST_DAYS:,} days at most")
    return delay


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf


def _hours(value: object) -> tuple[float, ...]:
    weights = [0.0] * 24
    given: dict[Any, Any] = value if isinstance(value, dict) else {value: None}
    for text, weight in given.items():
        match = _HOURS.fullmatch(str(text))
        first = int(match[1]) if match else 24
        last = int(match[2]) if match and match[2] else first + 1
        if not _is_weight(weight) or not first < last <= 24:
            raise _refused(value, "hours with weights; write them like {7-9: 1, 18-23: 4}")
        for hour in range(first, last):
            weights[hour] += weight
    if not sum(weights):
        raise _refused(value, "hours with weights: all of them are 0")
    return cumulative(weights)


def _zone(value: object) -> str:
    if not isinstance(value, str) or load_zone(value) is None:
        raise _refused(value, "an IANA time zone such as Europe/London")
    return value


def _start(value: object) -> date:
    try:
        return first_day(str(value))
    except ValueError as error:
        raise PydanticCustomError("SW801", "{said}", {"said": str(error)}) from error


Share = Annotated[float, BeforeValidator(_share)]
PerDay = Annotated[float, BeforeValidator(_rate)]
After = Annotated[Delay, BeforeValidator(_delay)]
Hours = Annotated[tuple[float, ...], BeforeValidator(_hours)]
Zone = Annotated[str, BeforeValidator(_zone)]
Start = Annotated[date, BeforeValidator(_start)]
EVEN_HOURS = cumulative([1.0] * 24)


class PopulationDocument(Document):
    start: Start = date(2026, 11, 2)
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 30
    zones: list[Any] = Field(default_factory=list)
    unknown_zone: Share = 0.0
    addresses: dict[str, Share] = Field(default_factory=dict)
    consents: dict[str, Any] = Field(default_factory=dict)
    traits: dict[str, Any] = Field(default_factory=dict)
    behaviours: list[Any] = Field(default_factory=list)
    responses: list[Any] = Field(default_factory=list)


class HomeDocument(Document):
    zone: Zone
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class ConsentDocument(Document):
    granted: Share = 0.0
    revoked: Share = 0.0


class ActionDocument(Document):
    event: Text
    properties: dict[str, Any] = Field(default_factory=dict)
    then: list[Any] = Field(default_factory=list)


class FollowUpDocument(ActionDocument):
    chance: Share
    after: After


class BehaviourDocument(ActionDocument):
    name: Text
    share: Share = 1.0
    rate: PerDay
    hours: Hours = EVEN_HOURS
    at_most: Annotated[int, Field(ge=1)] | None = None


class AddressedDocument(Document):
    journey: Text | None = None
    step: Text | None = None
    channel: Channel | None = None


class ResponseDocument(FollowUpDocument):
    to: dict[str, Any] = Field(default_factory=dict)
