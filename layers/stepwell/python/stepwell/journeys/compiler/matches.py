"""Events and conditions as the model has them, with their places."""

from __future__ import annotations

from stepwell.journeys.compiler.documents import MatchDocument, MessageBranchDocument
from stepwell.journeys.compiler.model import Condition, EventMatch
from stepwell.journeys.compiler.problems import Place
from stepwell.journeys.compiler.source import DataPath, Source, shown
from stepwell.messages.receipts import EVENT_NAMES, Fate


def event_match(source: Source, path: DataPath, document: MatchDocument) -> EventMatch:
    where = condition(source, (*path, "where"), document.where)
    return EventMatch(document.event, where, source.place((*path, "event")))


def message_match(source: Source, path: DataPath, document: MessageBranchDocument) -> EventMatch:
    """The event by which the fate of a message is told, about that message."""
    where = condition(source, (*path, "where"), document.where)
    place = source.place((*path, "message"))
    return EventMatch(EVENT_NAMES[Fate(document.fate)], where, place, document.message)


def condition(source: Source, path: DataPath, text: str | None) -> Condition | None:
    """The condition; its place is where its text begins, below the key for a block of text."""
    if text is None:
        return None
    line = source.lines.get((*path, "|"), source.place(path).line)
    return Condition(text, Place(source.file, line, shown(path)))
