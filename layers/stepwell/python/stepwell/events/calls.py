"""The six calls of Segment's tracking API, each as a model. Fields that are not named are ignored.

What Segment's own SDKs send is taken as it comes: `null` and "" for an id that there is none of
(the mobile SDKs send an empty `userId`), numbers as ids, times without a zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from stepwell.events.model import CONSENT_EVENT, PAGE_EVENT, SCREEN_EVENT, EventType
from stepwell.events.nobody import names_nobody


def _id_text(value: object) -> object:
    """SDKs of typed languages send numeric ids as numbers; 5.0 is the same number as 5."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _some(value: object) -> object:
    return None if value == "" else value


def _zone_known(value: object) -> object:
    """A time without a zone is UTC, as Segment reads it."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return value


_IdText = Annotated[str, Field(min_length=1, max_length=256)]
Id = Annotated[
    str,
    BeforeValidator(_id_text, json_schema_input_type=_IdText | int),
    Field(min_length=1, max_length=256),
]
MaybeId = Annotated[
    Id | None,
    BeforeValidator(
        _some, json_schema_input_type=Annotated[str, Field(max_length=256)] | int | None
    ),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_zone_known)]
Properties = Annotated[
    dict[str, Any],
    BeforeValidator(
        lambda value: {} if value is None else value,
        json_schema_input_type=dict[str, Any] | None,
    ),
]


class Call(BaseModel):
    """What every call has. `name_of_event` is what journeys know it by, empty for none."""

    model_config = ConfigDict(extra="ignore")

    type: EventType
    messageId: MaybeId = None  # noqa: N815 - Segment's names
    userId: MaybeId = None  # noqa: N815
    anonymousId: MaybeId = None  # noqa: N815
    timestamp: Moment | None = None
    originalTimestamp: Moment | None = None  # noqa: N815
    sentAt: Moment | None = None  # noqa: N815
    context: Properties = {}

    name_of_event: ClassVar[str] = ""

    @model_validator(mode="after")
    def _someone(self) -> Call:
        given = [each for each in (self.userId, self.anonymousId) if each is not None]
        if not given:
            raise ValueError("userId or anonymousId is required")
        if all(map(names_nobody, given)):
            shown = " and ".join(f'"{each.strip()}"' for each in given)
            raise ValueError(f"userId or anonymousId is required: {shown} names nobody")
        return self

    def content(self) -> dict[str, Any]:
        """The fields of an Event that are this call's own."""
        return {}


class Consent(BaseModel):
    """The properties of a `Consent Updated` event: the one event that Stepwell itself acts on."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    status: Literal["granted", "revoked"]


class Track(Call):
    event: Annotated[str, Field(min_length=1, max_length=200)]
    properties: Properties = {}

    @model_validator(mode="after")
    def _consent_is_whole(self) -> Track:
        if self.event == CONSENT_EVENT:
            try:
                Consent.model_validate(self.properties)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"properties.{first['loc'][0]}: {first['msg']}") from None
        return self

    def content(self) -> dict[str, Any]:
        return {"name": self.event, "properties": self.properties}


class Identify(Call):
    traits: Properties = {}

    def content(self) -> dict[str, Any]:
        return {"traits": self.traits}


class Alias(Call):
    """`userId` is the id from now on."""

    userId: Id  # noqa: N815
    previousId: Id  # noqa: N815

    def content(self) -> dict[str, Any]:
        return {"previous_id": self.previousId}


class Group(Call):
    groupId: Id  # noqa: N815
    traits: Properties = {}

    def content(self) -> dict[str, Any]:
        return {"group_id": self.groupId, "traits": self.traits}


class Page(Call):
    name: str | None = None
    category: str | None = None
    properties: Properties = {}

    name_of_event: ClassVar[str] = PAGE_EVENT

    def content(self) -> dict[str, Any]:
        """Name and category are properties too, as Segment's specification has it."""
        named = {"name": self.name, "category": self.category}
        given = {name: value for name, value in named.items() if value}
        return {"name": self.name_of_event, "properties": self.properties | given}


class Screen(Page):
    name_of_event: ClassVar[str] = SCREEN_EVENT


CALLS: dict[str, type[Call]] = {
    "track": Track,
    "identify": Identify,
    "alias": Alias,
    "group": Group,
    "page": Page,
    "screen": Screen,
}
