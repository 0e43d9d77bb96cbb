"""The shape of `scenarios.yaml`, as pydantic models: keys, types and allowed words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from stepwell.customers.profiles import MAX_DEVICES
from stepwell.customers.zones import load_zone
from stepwell.journeys.compiler.documents import Document, Text
from stepwell.messages.channels import ADDRESSED, Addressed, Channel

NO_ZONE = "unknown"

Answer = Literal["accepted", "refused", "pushed_back", "unknown"]
Taking = Literal["accepted", "refused", "away"]
Outcome = Literal["completed", "exited", "converted", "replaced", "failed", "active"]


def _zone(value: object) -> object:
    if value == NO_ZONE or (isinstance(value, str) and load_zone(value)):
        return value
    said = "{value} is no time zone; write one like Europe/London, or unknown"
    raise PydanticCustomError("SW103", said, {"value": repr(value)})


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _devices(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        remedy = "For no device leave push out of `addresses`."
        said = "{value} is no number of devices, 1 or more"
        raise PydanticCustomError("SW103", said, {"value": value, "remedy": remedy})
    return value


Zone = Annotated[str, BeforeValidator(_zone)]
Channels = Annotated[list[Channel], BeforeValidator(_listed)]


class FileDocument(Document):
    given: dict[str, Any] = Field(default={})
    scenarios: list[Any] = Field(min_length=1)


class ScenarioDocument(Document):
    name: Text
    given: dict[str, Any] = Field(default={})
    when: list[Any] = Field(min_length=1)
    until: Any = None
    expect: list[Any]


class PersonDocument(Document):
    """What a customer is like before the first event. Absent `consents`: to everything."""

    zone: Zone = "Europe/London"
    traits: dict[str, Any] = Field(default={})
    consents: dict[str, Channels] | None = None
    refused: dict[str, Channels] = Field(default={})
    addresses: Annotated[list[Addressed], BeforeValidator(_listed)] = Field(default=[*ADDRESSED])
    devices: Annotated[int, BeforeValidator(_devices)] = Field(default=1, le=MAX_DEVICES)


class GivenDocument(PersonDocument):
    """`events`: properties that an event has unless its line says otherwise."""

    date: Text | None = None
    events: dict[str, dict[str, Any]] = Field(default={})
    policies: dict[str, Any] = Field(default={})
    providers: dict[Channel, Annotated[list[Answer], BeforeValidator(_listed)]] = Field(default={})
    destinations: dict[Text, Annotated[list[Taking], BeforeValidator(_listed)]] = Field(default={})
    journeys: Annotated[list[Text], BeforeValidator(_listed)] = Field(default=[])
    customers: dict[str, dict[str, Any]] = Field(default={})


class CallDocument(Document):
    at: Any
    user: Text | None = None
    happened: Any = None
    id: Text | None = None


class SentByAppDocument(CallDocument):
    """`context`: what the SDK says of the device, its place and the like."""

    context: dict[str, Any] = Field(default={})


class EventDocument(SentByAppDocument):
    event: Text
    properties: dict[str, Any] = Field(default={})


class FateDocument(CallDocument):
    """What becomes of a message of the scenario's journey."""

    message: Text
    fate: Literal["delivered", "opened", "clicked", "failed"] = Field(alias="is")


class TraitsDocument(SentByAppDocument):
    traits: dict[str, Any]


class ExpectedDocument(Document):
    at: Any
    user: Text | None = None
    journey: Text | None = None


class SentDocument(ExpectedDocument):
    sent: Text
    by: Channel
    says: Annotated[list[Text], BeforeValidator(_listed)] = Field(default=[])


class DeferredDocument(ExpectedDocument):
    deferred: Text
    because: Text
    until: Any
    by: Channel | None = None


class SuppressedDocument(ExpectedDocument):
    suppressed: Text
    because: Text
    by: Channel | None = None


class FailedDocument(ExpectedDocument):
    failed: Text
    because: Text
    by: Channel | None = None


class UnknownDocument(ExpectedDocument):
    unknown: Text
    because: Text
    by: Channel | None = None


class HandedOverDocument(ExpectedDocument):
    handed_over: Text
    to: Text | None = None


class NotHandedOverDocument(ExpectedDocument):
    not_handed_over: Text
    because: Text
    to: Text | None = None


class EnrollmentDocument(ExpectedDocument):
    at: Any = None
    enrollment: Outcome
    because: Text | None = None
    step: Text | None = Field(default=None, alias="in")


class ConversionDocument(ExpectedDocument):
    conversion: Text
    value: float | None = None


EXPECTED: dict[str, type[ExpectedDocument]] = {
    "sent": SentDocument,
    "deferred": DeferredDocument,
    "suppressed": SuppressedDocument,
    "failed": FailedDocument,
    "unknown": UnknownDocument,
    "handed_over": HandedOverDocument,
    "not_handed_over": NotHandedOverDocument,
    "enrollment": EnrollmentDocument,
    "conversion": ConversionDocument,
}
"""By the key that says what a line of `expect` is about."""
