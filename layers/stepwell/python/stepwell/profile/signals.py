"""Signals of a conversation: what a message says about urgency, intent and sentiment. Pure.

    PROFILE   signals   signal -> {"value", "at", "rule", "event", and "score" as text where there
                        is one}: the newest word on each

A message is judged by the declared rules, of each signal the first that matches. What Amazon
Comprehend (or a model of the team's own) finds comes later, as an event of its own about the same
message, and is judged by the rules on sentiment; of two rules on one message that which stands
first in the file wins. So the result is the same in whatever order events come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from stepwell.events.model import Event
from stepwell.profile.conversation import (
    CONVERSATION,
    Conversation,
    Message,
    read_conversation,
    united,
)
from stepwell.profile.signal_rules import SENTIMENT, SIGNALS, SignalRule, SignalRules
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

SIGNALS_KEPT = "signals"

MESSAGE_RECEIVED = "Message Received"
"""A customer has written: {channel, text}."""
MESSAGE_REPLIED = "Message Replied"
"""The same, told by feedback of a text to one of our numbers; `opt` says whether it was a STOP."""
MESSAGE_ANSWERED = "Message Answered"
"""The team has answered."""
SENTIMENT_DETECTED = "Sentiment Detected"
"""How a message sounds: {message_event, sentiment, score}."""


@value
class Signal:
    """One signal by one message. `event` is the message's; `previous` the value before."""

    signal: str
    value: str
    at: str
    rule: str
    event: str
    score: float | None = None
    previous: str | None = None

    def item(self) -> Item:
        """Numbers with a fraction are kept as text: DynamoDB's are no floats."""
        kept = {"value": self.value, "at": self.at, "rule": self.rule, "event": self.event}
        return kept if self.score is None else {**kept, "score": str(self.score)}

    def properties(self) -> dict[str, Any]:
        """Of the event that tells of it."""
        told = {
            "signal": self.signal,
            "value": self.value,
            "rule": self.rule,
            "score": self.score,
            "message_event": self.event,
            "previous": self.previous,
        }
        return {name: each for name, each in told.items() if each is not None}


@value
class Heard:
    """What an event does to signals: attributes of the profile, and the signals that are new."""

    changes: Item
    found: tuple[Signal, ...] = ()


NOTHING_HEARD = Heard({})


def is_message(event: Event) -> bool:
    """Whether the event is a text that a customer wrote. A STOP is no conversation."""
    if event.name == MESSAGE_REPLIED:
        return bool(event.properties.get("opt", "none") == "none")
    return event.name == MESSAGE_RECEIVED


def text_of(event: Event) -> str:
    """The text of a message; whoever logs it breaks a promise (docs/privacy.md)."""
    text = event.properties.get("text")
    return text if isinstance(text, str) else ""


def hear(rules: SignalRules, event: Event, profile: Item | None) -> Heard:
    """What the event changes, given the customer's profile before it."""
    if event.name == SENTIMENT_DETECTED:
        return _settled({}, rules, _scored(rules, event), profile)
    conversation = read_conversation(profile)
    if event.name == MESSAGE_ANSWERED:
        answered = conversation.with_answer(to_text(event.timestamp))
        return Heard(_kept(answered, rules))
    if not is_message(event):
        return NOTHING_HEARD
    message = Message(to_text(event.timestamp), event.id)
    after = conversation.with_message(message)
    candidates = [
        *_said(rules, text_of(event), message, after),
        *_repeated(rules, message, after),
    ]
    return _settled(_kept(after, rules), rules, candidates, profile)


def _kept(conversation: Conversation, rules: SignalRules) -> Item:
    item = conversation.item(rules.remembered)
    return {CONVERSATION: item} if item else {}


def _said(
    rules: SignalRules, text: str, message: Message, conversation: Conversation
) -> Iterator[Signal]:
    """Of each signal the first rule that the message itself matches."""
    said = rules.said(text)
    sentiment: str | None = None

    def matches(signal: str, rule: SignalRule) -> bool:
        if rule.repetition is not None:
            return conversation.repeats(message, rule.repetition)
        if rule.sentiment is not None:
            return sentiment is not None and rule.sentiment.holds(sentiment, None)
        return (signal, rule.name) in said

    for signal in SIGNALS:
        rule = next((each for each in rules.of(signal) if matches(signal, each)), None)
        if rule is not None:
            sentiment = rule.value if signal == SENTIMENT else sentiment
            yield Signal(signal, rule.value, message.at, rule.name, message.event)


def _repeated(rules: SignalRules, late: Message, conversation: Conversation) -> Iterator[Signal]:
    """What newer messages have become by one that came late: one too many."""
    newer = [
        each for each in conversation.received if (each.at, each.event) > (late.at, late.event)
    ]
    for message in newer:
        for signal in SIGNALS:
            for rule in rules.of(signal):
                if rule.repetition and conversation.repeats(message, rule.repetition):
                    yield Signal(signal, rule.value, message.at, rule.name, message.event)
                    break


def _scored(rules: SignalRules, event: Event) -> Iterator[Signal]:
    """By the rules on sentiment, of a message that somebody has scored."""
    message, sentiment, score = (
        event.properties.get(name) for name in ("message_event", "sentiment", "score")
    )
    if not (isinstance(message, str) and isinstance(sentiment, str) and _is_score(score)):
        return
    for signal in SIGNALS:
        for rule in rules.of(signal):
            if rule.sentiment and rule.sentiment.holds(sentiment, score):
                at = to_text(event.timestamp)
                yield Signal(signal, rule.value, at, rule.name, message, round(float(score), 4))
                break


def _is_score(score: object) -> TypeGuard[float]:
    return isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1


def _settled(
    changes: Item,
    rules: SignalRules,
    candidates: Iterator[Signal] | Sequence[Signal],
    profile: Item | None,
) -> Heard:
    """The newest word on each signal, and which of the candidates it is."""
    before: Mapping[str, Item] = (profile or {}).get(SIGNALS_KEPT) or {}
    best: dict[str, Signal] = {}
    for each in candidates:
        rival = best[each.signal].item() if each.signal in best else before.get(each.signal)
        if rival is None or _rank(rules, each.signal, each.item()) > _rank(
            rules, each.signal, rival
        ):
            best[each.signal] = each
    if not best:
        return Heard(changes)
    signals = {**before, **{name: each.item() for name, each in best.items()}}
    found = tuple(
        Signal(
            each.signal,
            each.value,
            each.at,
            each.rule,
            each.event,
            each.score,
            (before.get(name) or {}).get("value"),
        )
        for name, each in best.items()
    )
    return Heard({**changes, SIGNALS_KEPT: signals}, found)


def _rank(rules: SignalRules, signal: str, item: Item) -> tuple[str, str, int, float]:
    """The later message's word is the newer one; of one message the earlier rule's; of one rule
    that which has a score.
    """
    place, score = rules.place(signal, item["rule"]), float(item.get("score", -1))
    return item["at"], item["event"], -place, score


def signals_view(profile: Item | None) -> dict[str, dict[str, Any]]:
    """As conditions see them: moments as moments, scores as numbers."""
    kept: Mapping[str, Item] = (profile or {}).get(SIGNALS_KEPT) or {}
    return {
        signal: {
            **item,
            "at": from_text(item["at"]),
            **({"score": float(item["score"])} if "score" in item else {}),
        }
        for signal, item in kept.items()
    }


def united_signals(ours: Item, theirs: Item) -> Item:
    """The attributes of two customers who are one person: of each signal the newer word."""
    one, other = (each.get(SIGNALS_KEPT) or {} for each in (ours, theirs))
    newer = {
        signal: max(
            (each[signal] for each in (one, other) if signal in each),
            key=lambda item: (item["at"], item["event"]),
        )
        for signal in {**other, **one}
    }
    both = united(read_conversation(ours), read_conversation(theirs))
    conversation = both.item(max(1, len(both.received)))  # the next message forgets the oldest
    return {
        **({SIGNALS_KEPT: newer} if newer else {}),
        **({CONVERSATION: conversation} if conversation else {}),
    }
