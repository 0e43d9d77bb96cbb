"""The `when` of a scenario: events in the order in which they are sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stepwell.events.envelope import EnvelopeError, read_call
from stepwell.events.model import Event
from stepwell.journeys.compiler.source import DataPath
from stepwell.messages.receipts import EVENT_NAMES, FATES_TOLD, Fate
from stepwell.simulation.scenarios.documents import (
    CallDocument,
    EventDocument,
    FateDocument,
    SentByAppDocument,
    TraitsDocument,
)
from stepwell.simulation.scenarios.model import USER, Call
from stepwell.simulation.scenarios.people import Given
from stepwell.simulation.scenarios.reading import Reading
from stepwell.simulation.scenarios.schemas import property_problems
from stepwell.timestamps import to_text

SOURCE = "scenario"


def read_calls(
    reading: Reading, given: Given, path: DataPath, lines: Sequence[Any]
) -> tuple[Call, ...]:
    """Those that can be read; an event that stands before an earlier line is reported."""
    calls: list[Call] = []
    for number, line in enumerate(lines):
        call = _call(reading, given, (*path, number), line, calls[-1].at if calls else None)
        if call is None:
            continue
        if calls and call.at < calls[-1].at:
            zone = given.person(call.user).clock
            earlier, at = (given.week.show(each, zone) for each in (calls[-1].at, call.at))
            said = f"{at} is before the event above it, at {earlier}"
            reading.report((*path, number, "at"), "SW704", said, "Put the events in their order.")
            continue
        calls.append(call)
    return tuple(calls)


def _call(
    reading: Reading, given: Given, path: DataPath, line: Any, before: datetime | None
) -> Call | None:
    model: type[CallDocument] = EventDocument
    if isinstance(line, dict) and "traits" in line:
        model = TraitsDocument
    if isinstance(line, dict) and "message" in line:
        model = FateDocument
    document = reading.validated(path, line, model)
    if document is None:
        return None
    user = document.user or USER
    zone = given.person(user).clock
    at = reading.moment((*path, "at"), document.at, given.week, zone, before)
    happened = at
    if document.happened is not None:
        happened = reading.moment((*path, "happened"), document.happened, given.week, zone, at)
    if at is None or happened is None:
        return None
    if happened > at:
        said = "it happened only after it was sent"
        reading.report((*path, "happened"), "SW704", said, "`happened` is at or before `at`.")
        return None
    message = document.id or f"event-{path[1]}-{path[-1]}"
    event = None
    shared: dict[str, Any] = {"userId": user, "messageId": message}
    shared |= {"timestamp": to_text(happened)}
    if isinstance(document, SentByAppDocument) and document.context:
        shared |= {"context": document.context}
    if isinstance(document, TraitsDocument):
        body = shared | {"traits": document.traits}
        event = _event(reading, path, "identify", body, at)
    elif isinstance(document, FateDocument):
        event = _told(reading, path, document, shared, at)
    elif isinstance(document, EventDocument):
        event = _tracked(reading, given, path, document, shared, at)
    return Call(at, user, event) if event else None


def _tracked(
    reading: Reading,
    given: Given,
    path: DataPath,
    document: EventDocument,
    shared: dict[str, Any],
    at: datetime,
) -> Event | None:
    if not reading.event((*path, "event"), document.event):
        return None
    property_problems(reading, (*path, "properties"), document.event, document.properties)
    usual = given.document.events.get(document.event, {})
    properties = {
        name: value
        for name, value in (usual | document.properties).items()
        if value is not None or name not in usual
    }
    body = shared | {"event": document.event, "properties": properties}
    return _event(reading, path, "track", body, at)


def _told(
    reading: Reading,
    path: DataPath,
    document: FateDocument,
    shared: dict[str, Any],
    at: datetime,
) -> Event | None:
    """As an app would tell it that sends by itself: of every enrollment of the journey."""
    messages = {each.name: each for each in reading.around.subjects[reading.journey].messages()}
    where = (*path, "message")
    if not reading.known(where, document.message, messages, "SW306", "message"):
        return None
    message, fate = messages[document.message], Fate(document.fate)
    tells = [each for each in message.channels if fate in FATES_TOLD.get(each, ())]
    if not tells:
        said = f"no channel of {document.message!r} tells whether it was {fate}"
        reading.report(where, "SW307", said, "Nothing can be told of it.")
        return None
    told = {"journey": reading.journey, "step": message.id, "channel": tells[0]}
    body = shared | {"event": EVENT_NAMES[fate], "properties": told}
    return _event(reading, path, "track", body, at)


def _event(
    reading: Reading, path: DataPath, kind: str, body: dict[str, Any], at: datetime
) -> Event | None:
    """The event as the front door would take it."""
    try:
        (event,) = read_call(
            kind, json.dumps(body).encode(), source=SOURCE, received_at=at, new_id=lambda: ""
        )
    except EnvelopeError as error:
        for field, said in error.problems:
            inside = tuple(field.split(".")) if field else ()
            message = f"`{field}`: {said}" if field else said
            remedy = "Correct it; the API would refuse this event."
            reading.report((*path, *inside), "SW711", message, remedy)
        return None
    return event
