"""The shape of `journey.yaml`, as pydantic models: keys, types and allowed words.

Steps inside steps are left as they are; the reader takes them one by one. What belongs to later
work is refused by name (`LATER_KEYS`, `LATER_STEPS`), never ignored.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from stepwell.journeys.compiler.durations import offset_of, seconds_of
from stepwell.journeys.dates import Offset

LATER_KEYS = {
    "holdout": "Holdouts are not supported yet.",
    "prefer": "Choosing the channel by preference is not supported yet; the order decides.",
    "experiment": "Experiments are not supported yet.",
    "jitter": "Jitter is not supported yet.",
    "priority": "Priorities are not supported yet.",
    "repeat": "Repeating a hold is not supported yet; `then: restart` with max_restarts is.",
    "schedule": "Entry by schedule is not supported yet.",
    "variant": "Variants of a message are not supported yet.",
}
LATER_STEPS = frozenset(
    {"random_split", "experiment", "update", "set", "action", "webhook", "start"}
)

SHORTEST_PARKED = 86_400
"""Far longer than all retries of the tasks by which a wait is parked: its alarm is later."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_LOCAL_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d) local")


def _duration(value: object) -> int:
    try:
        return seconds_of(value)
    except ValueError as error:
        raise PydanticCustomError("SW105", "{said}", {"said": str(error)}) from error


def _long_duration(value: object) -> int:
    seconds = _duration(value)
    if seconds < SHORTEST_PARKED:
        raise PydanticCustomError(
            "SW105",
            "{value} is too short: only waits over a day are parked",
            {"value": repr(value)},
        )
    return seconds


def _local_time(value: object, more: str = "") -> str:
    if not isinstance(value, str) or not _LOCAL_TIME.fullmatch(value):
        said = '{value} is not a local time; write one like "09:00 local"' + more
        raise PydanticCustomError("SW106", said, {"value": repr(value)})
    return value.removesuffix(" local")


def _until(value: object) -> object:
    a_date = ", or a date like {date: customer.traits.renewal_date}"
    return value if isinstance(value, dict) else _local_time(value, a_date)


def _date(value: object) -> object:
    """A date that is written out is the text of a condition: `2026-12-24` calculates nothing."""
    return json.dumps(value) if isinstance(value, str) and _DATE.fullmatch(value) else value


def _offset(value: object) -> Offset:
    try:
        return offset_of(value)
    except ValueError as error:
        raise PydanticCustomError("SW105", "{said}", {"said": str(error)}) from error


def _weekday(value: object) -> int:
    short = {name[:3]: number for number, name in enumerate(WEEKDAYS, 1)}
    full = {name: number for number, name in enumerate(WEEKDAYS, 1)}
    number = {**short, **full}.get(str(value).lower())
    if number is None:
        raise PydanticCustomError(
            "SW106", "{value} is no weekday; write monday or mon", {"value": repr(value)}
        )
    return number


DateExpression = Annotated[str, BeforeValidator(_date), Field(min_length=1)]
SignedOffset = Annotated[Offset, BeforeValidator(_offset)]
Until = Annotated[str | dict[str, Any], BeforeValidator(_until)]
Duration = Annotated[int, BeforeValidator(_duration)]
LongDuration = Annotated[int, BeforeValidator(_long_duration)]
LocalTime = Annotated[str, BeforeValidator(_local_time)]
Weekday = Annotated[int, BeforeValidator(_weekday)]
Text = Annotated[str, Field(min_length=1)]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MatchDocument(Document):
    event: Text
    where: Text | None = None


class EntryDocument(Document):
    """By one of `event`, `segment` and `trait`; `on` says which way, for a segment."""

    event: Text | None = None
    segment: Text | None = None
    trait: Text | None = None
    on: Literal["entering", "leaving"] | None = None
    where: Text | None = None
    key: Text | None = None
    reentry: Any = "never"


class AfterDocument(Document):
    after: Duration


class GoalDocument(MatchDocument):
    within: Duration
    value: Text | None = None


class JourneyDocument(Document):
    journey: Text
    status: Literal["live", "draining"] = "live"
    purpose: Text | None = None
    entry: dict[str, Any]
    exit: list[Any] = []
    goal: dict[str, Any] | None = None
    park_waits_over: LongDuration | None = None
    steps: list[Any] = Field(min_length=1)


class BranchDocument(MatchDocument):
    id: Text | None = None
    then: Any = "continue"


class MessageBranchDocument(Document):
    """What becomes of a message of this journey, instead of an event by its name."""

    message: Text
    fate: Literal["delivered", "opened", "clicked", "failed"] = Field(alias="is")
    where: Text | None = None
    id: Text | None = None
    then: Any = "continue"


class StepDocument(Document):
    name: Text
    id: Text | None = None


class HoldDocument(StepDocument):
    seconds: Duration = Field(alias="for")
    until: list[Any] = Field(min_length=1)
    timeout: Any = "continue"
    max_restarts: int = Field(default=20, ge=1, le=250)  # ten events of a history that holds 25,000


class DelayDocument(StepDocument):
    seconds: Duration | None = Field(default=None, alias="for")
    until: Until | None = None
    weekdays: list[Weekday] = Field(default=[], min_length=1)


class UntilDateDocument(Document):
    date: DateExpression
    offset: SignedOffset = Offset()
    at: LocalTime | None = None


class SplitDocument(StepDocument):
    branches: list[Any] = Field(min_length=1)
    otherwise: Any = "continue"


class ArmDocument(Document):
    when: Text
    name: Text
    id: Text | None = None
    then: Any = "continue"


class MessageDocument(StepDocument):
    channels: Any
    template: Text
    purpose: Text | None = None
    on_quiet_hours: Literal["wait", "skip", "next_channel"] = "wait"
    on_cap: Literal["wait", "skip", "next_channel"] = "skip"
    worthless_after: Duration | None = None


class HandOverDocument(StepDocument):
    to: Text
    reason: Text
    otherwise: Any


class OrderDocument(Document):
    order: list[Text] = Field(min_length=1)


class ExitDocument(Document):
    """Nothing to say about an exit."""
