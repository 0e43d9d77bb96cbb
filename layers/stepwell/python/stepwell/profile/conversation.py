"""What is remembered of a conversation: when the newest messages came, and the last answer.

    PROFILE   conversation   {"received": ["<when> <the event's id>", …], "answered_at": "<when>"}

The messages are in the order of their times, so that late ones count as if they had come in time:
as far back as is remembered. No text is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from stepwell.profile.signal_rules import Repetition
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

CONVERSATION = "conversation"


@value
class Message:
    """When a message was written, and the id of its event."""

    at: str
    event: str


@value
class Conversation:
    """`received` in the order of time."""

    received: tuple[Message, ...] = ()
    answered_at: str = ""

    def with_message(self, message: Message) -> Conversation:
        known = {*self.received, message}
        ordered = sorted(known, key=lambda each: (each.at, each.event))
        return Conversation(tuple(ordered), self.answered_at)

    def with_answer(self, at: str) -> Conversation:
        answered_at = max(self.answered_at, at)
        open_ones = tuple(each for each in self.received if each.at > answered_at)
        return Conversation(open_ones, answered_at)

    def repeats(self, message: Message, repetition: Repetition) -> bool:
        """Whether so many messages had come by this one, within the time and unanswered."""
        since = to_text(from_text(message.at) - timedelta(seconds=repetition.seconds))
        counted = [
            each
            for each in self.received
            if max(since, self.answered_at) < each.at
            and (each.at, each.event) <= (message.at, message.event)
        ]
        return len(counted) >= repetition.messages

    def item(self, remembered: int) -> Item:
        """As it is kept, with the newest messages only; empty when there is nothing to keep."""
        newest: Sequence[Message] = self.received[-remembered:] if remembered else ()
        kept: dict[str, Any] = {}
        if newest:
            kept["received"] = [f"{each.at} {each.event}" for each in newest]
        if self.answered_at and remembered:
            kept["answered_at"] = self.answered_at
        return kept


def read_conversation(profile: Item | None) -> Conversation:
    item = (profile or {}).get(CONVERSATION) or {}
    messages = (each.partition(" ") for each in item.get("received", ()))
    return Conversation(
        tuple(Message(at, event) for at, _, event in messages), item.get("answered_at", "")
    )


def united(one: Conversation, other: Conversation) -> Conversation:
    """Of two customers who are one person."""
    both = Conversation(one.received, max(one.answered_at, other.answered_at))
    for message in other.received:
        both = both.with_message(message)
    return both.with_answer(both.answered_at) if both.answered_at else both
