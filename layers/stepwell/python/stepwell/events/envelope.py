"""The calls of Segment's HTTP tracking API, checked and turned into events.

Raises `EnvelopeError` with every problem, each naming its field, so that a sender sees all at once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from stepwell.events.model import CONSENT_EVENT, Event, EventType

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_500
"""More would not be queued within the function's time, as each carries the batch's context."""
MAX_LEVELS = 32
"""How deep an event may be nested: far less than what conditions and JSON readers take."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class EnvelopeError(Exception):
    """A call that cannot be accepted. `problems`: (field path, what is wrong), the field may be "".

    `too_large` tells a size limit from a malformed call.
    """

    def __init__(self, problems: list[tuple[str, str]], *, too_large: bool = False) -> None:
        super().__init__("; ".join(f"{path}: {text}" if path else text for path, text in problems))
        self.problems = problems
        self.too_large = too_large


def _id_text(value: object) -> object:
    """SDKs of typed languages send numeric ids as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _zone_known(value: object) -> object:
    """A time without a zone is UTC, as Segment reads it."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return value


Id = Annotated[str, BeforeValidator(_id_text), Field(min_length=1, max_length=256)]
Moment = Annotated[AwareDatetime, BeforeValidator(_zone_known)]
Properties = Annotated[
    dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)
]


class _Call(BaseModel):
    model_config = ConfigDict(extra="ignore")

    messageId: Id | None = None  # noqa: N815 - Segment's names
    userId: Id | None = None  # noqa: N815
    anonymousId: Id | None = None  # noqa: N815
    timestamp: Moment | None = None
    originalTimestamp: Moment | None = None  # noqa: N815
    sentAt: Moment | None = None  # noqa: N815
    context: Properties = {}

    @model_validator(mode="after")
    def _someone(self) -> _Call:
        if self.userId is None and self.anonymousId is None:
            raise ValueError("userId or anonymousId is required")
        return self


class _Consent(BaseModel):
    """The properties of a `Consent Updated` event: the one event that Stepwell itself acts on."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    status: Literal["granted", "revoked"]


class _Track(_Call):
    type: Literal["track"] = "track"
    event: Annotated[str, Field(min_length=1, max_length=200)]
    properties: Properties = {}

    @model_validator(mode="after")
    def _consent_is_whole(self) -> _Track:
        if self.event == CONSENT_EVENT:
            try:
                _Consent.model_validate(self.properties)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"properties.{first['loc'][0]}: {first['msg']}") from None
        return self


class _Identify(_Call):
    type: Literal["identify"] = "identify"
    traits: Properties = {}


_CALLS: dict[str, type[_Track | _Identify]] = {"track": _Track, "identify": _Identify}


def read_call(
    kind: str, body: bytes, *, source: str, received_at: datetime, new_id: Callable[[], str]
) -> list[Event]:
    """The events of one call to `/v1/<kind>`; kind is track, identify or batch."""
    if len(body) > MAX_BATCH_BYTES:
        raise EnvelopeError(
            [("", f"the call is larger than {MAX_BATCH_BYTES} bytes")], too_large=True
        )
    document = _read_json(body)
    if kind != "batch":
        return [_read_event(document | {"type": kind}, "", source, received_at, new_id)]
    return _read_batch(document, source, received_at, new_id)


def _read_batch(
    document: dict[str, Any], source: str, received_at: datetime, new_id: Callable[[], str]
) -> list[Event]:
    batch = document.get("batch")
    if not isinstance(batch, list):
        raise EnvelopeError([("batch", "a list of calls is required")])
    if len(batch) > MAX_BATCH_EVENTS:
        said = f"more than {MAX_BATCH_EVENTS} calls"
        raise EnvelopeError([("batch", said)], too_large=True)
    events, problems, too_large = [], [], False
    shared: dict[str, Any] = {
        name: document[name] for name in ("sentAt", "context") if name in document
    }
    for index, call in enumerate(batch):
        path = f"batch[{index}]"
        try:
            if not isinstance(call, dict):
                _refuse(path, "must be an object")
            events.append(_read_event(shared | call, path, source, received_at, new_id))
        except EnvelopeError as error:
            problems += error.problems
            too_large = too_large or error.too_large
    if problems:
        raise EnvelopeError(problems, too_large=too_large)
    return events


def _read_event(
    document: dict[str, Any],
    path: str,
    source: str,
    received_at: datetime,
    new_id: Callable[[], str],
) -> Event:
    if _is_deep(document):
        _refuse(path, f"nested deeper than {MAX_LEVELS} levels")
    if len(json.dumps(document, separators=(",", ":"))) > MAX_EVENT_BYTES:
        raise EnvelopeError([(path, f"larger than {MAX_EVENT_BYTES} bytes")], too_large=True)
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _CALLS:
        _refuse(_join(path, "type"), f"must be one of {', '.join(_CALLS)}")
    try:
        call = _CALLS[kind].model_validate(document)
    except ValidationError as error:
        raise EnvelopeError([_problem(path, dict(each)) for each in error.errors()]) from None
    return Event(
        id=call.messageId or new_id(),
        source=source,
        type=EventType(call.type),
        name=call.event if isinstance(call, _Track) else "",
        user_id=call.userId,
        anonymous_id=call.anonymousId,
        properties=call.properties if isinstance(call, _Track) else {},
        traits=call.traits if isinstance(call, _Identify) else {},
        context=call.context,
        timestamp=happened_at(
            call.originalTimestamp or call.timestamp, sent_at=call.sentAt, received_at=received_at
        ),
        received_at=received_at,
    )


def happened_at(
    claimed: datetime | None, *, sent_at: datetime | None, received_at: datetime
) -> datetime:
    """When an event happened by our clock (Segment's rule), never later than its receipt.

    The sender's clock may be wrong: `sent_at` was read on the same clock as `claimed` and is really
    about `received_at`, so their difference corrects it. An age of thousands of years, which no
    calendar holds, is the oldest that one does.
    """
    if claimed is None:
        return received_at
    age = (sent_at or received_at) - claimed
    try:
        return received_at.astimezone(UTC) - max(age, timedelta(0))
    except OverflowError:
        return _EARLIEST


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if _SURROGATE.search(text):
            document = _with_whole_characters(document)
    except (ValueError, RecursionError):
        raise EnvelopeError([("", "the body is not valid JSON")]) from None
    if not isinstance(document, dict):
        raise EnvelopeError([("", "the body must be a JSON object")])
    return document


def _with_whole_characters(document: Any) -> Any:
    """Half of a character, as JavaScript leaves it when it cuts an emoji, becomes U+FFFD: no
    store, hash or provider takes it.
    """
    text = json.dumps(document, ensure_ascii=False)
    return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def _is_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_LEVELS):
        level = [
            part
            for each in level
            if isinstance(each, dict | list)
            for part in (each.values() if isinstance(each, dict) else each)
        ]
    return any(isinstance(each, dict | list) for each in level)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _refuse(path: str, text: str) -> NoReturn:
    raise EnvelopeError([(path, text)])


def _problem(path: str, error: dict[str, Any]) -> tuple[str, str]:
    field = "".join(
        f"[{part}]" if isinstance(part, int) else str(part) for part in error["loc"][:1]
    )
    text = str(error["msg"]).removeprefix("Value error, ")
    if not field and text.startswith("userId"):
        field = "userId"
    elif not field and text.startswith("properties."):
        field, _, text = text.partition(": ")
    return _join(path, field), text


def _join(path: str, field: str) -> str:
    return ".".join(part for part in (path, field) if part)
