"""The declared rules that make signals of a conversation, as they are read at run time.

    {"negations": ["not", …],
     "signals": {"urgency": [{"name", "value", and one of
                              "phrases": […], "unless": […]
                              "repetition": {"messages", "seconds"}
                              "sentiment": {"is", "at_least"}}, …]}}

The file was checked when it was compiled (`journeys.compiler.profile.signals`), so it is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stepwell.profile.phrases import Owner, PhraseBook
from stepwell.values import value

SENTIMENT, INTENT, URGENCY = "sentiment", "intent", "urgency"
SIGNALS = (SENTIMENT, INTENT, URGENCY)
"""In the order in which they are found: the others may go by the sentiment."""


@value
class Repetition:
    """So many messages within so many seconds, none of them answered."""

    messages: int
    seconds: int


@value
class SentimentIs:
    """That the message sounds so, with at least this score where somebody has scored it."""

    sentiment: str
    at_least: float

    def holds(self, sentiment: str, score: float | None) -> bool:
        return sentiment == self.sentiment and (score is None or score >= self.at_least)


@value
class SignalRule:
    name: str
    value: str
    phrases: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    repetition: Repetition | None = None
    sentiment: SentimentIs | None = None


@dataclass(frozen=True)
class SignalRules:
    """`rules` by signal, in the order of the file: the first that matches a message wins."""

    rules: Mapping[str, tuple[SignalRule, ...]]
    negations: tuple[str, ...] = ()

    @cached_property
    def _book(self) -> PhraseBook:
        owners = (
            Owner((signal, each.name), each.phrases, each.unless)
            for signal, rules in self.rules.items()
            for each in rules
            if each.phrases
        )
        return PhraseBook(owners, self.negations)

    @cached_property
    def remembered(self) -> int:
        """How many messages back the rules on repetition look, and as many again for late ones."""
        longest = (
            each.repetition.messages
            for rules in self.rules.values()
            for each in rules
            if each.repetition
        )
        return 2 * max(longest, default=0)

    @cached_property
    def go_by_sentiment(self) -> bool:
        return any(each.sentiment for rules in self.rules.values() for each in rules)

    def of(self, signal: str) -> tuple[SignalRule, ...]:
        return self.rules.get(signal, ())

    def said(self, text: str) -> AbstractSet[Any]:
        """(signal, rule's name) of the rules of which the text has a phrase."""
        return self._book.owners_in(text)

    def place(self, signal: str, rule: str) -> int:
        """Where the rule stands; behind all others when it is gone."""
        names = [each.name for each in self.of(signal)]
        return names.index(rule) if rule in names else len(names)


def load_signals(document: Mapping[str, Any]) -> SignalRules:
    """An empty document has no rules."""
    return SignalRules(
        {signal: tuple(map(_rule, rules)) for signal, rules in document.get("signals", {}).items()},
        tuple(document.get("negations", ())),
    )


def _rule(document: Mapping[str, Any]) -> SignalRule:
    repetition, sentiment = document.get("repetition"), document.get("sentiment")
    return SignalRule(
        document["name"],
        document["value"],
        tuple(document.get("phrases", ())),
        tuple(document.get("unless", ())),
        Repetition(repetition["messages"], repetition["seconds"]) if repetition else None,
        SentimentIs(sentiment["is"], float(sentiment["at_least"])) if sentiment else None,
    )
