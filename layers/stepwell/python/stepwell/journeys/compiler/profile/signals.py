"""`statemachines/signals.yaml`: which messages of customers are urgent, say what they want, and how
they sound.

SW1020   a rule that has no way to hold, or more than one
SW1021   a name that is none, or given twice
SW1022   a phrase without words, with too many, or of an earlier rule
SW1023   a value that the signal does not have
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from stepwell.journeys.compiler.cel.kinds import DOUBLE, STRING, TIMESTAMP, record
from stepwell.journeys.compiler.documents import Document, Duration, Text
from stepwell.journeys.compiler.problems import Problem, suggest
from stepwell.journeys.compiler.source import DataPath, read_yaml
from stepwell.journeys.compiler.validation import FileReading
from stepwell.profile.signal_rules import INTENT, SENTIMENT, SIGNALS, URGENCY
from stepwell.profile.words import words_of

FILE = "statemachines/signals.yaml"
SIGNALS_TYPE = record(
    dict.fromkeys(
        SIGNALS,
        record(
            {
                **dict.fromkeys(("value", "rule", "event"), STRING),
                "at": TIMESTAMP,
                "score": DOUBLE,
            },
            "a signal",
        ),
    ),
    FILE,
)
"""What conditions may read of them."""
MOST_RULES = 50
MOST_PHRASES = 200
MOST_WORDS = 12
LONGEST_REPETITION = 7 * 86_400

_VALUES = {
    URGENCY: ("high", "normal", "low"),
    SENTIMENT: ("positive", "neutral", "negative"),
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KINDS = ("phrases", "repetition", "sentiment")


class SentimentDocument(Document):
    sentiment: Literal["positive", "neutral", "negative", "mixed"] = Field(alias="is")
    at_least: float = Field(default=0.5, ge=0, le=1)


class RepetitionDocument(Document):
    messages: int = Field(ge=2, le=10)
    within: Annotated[Duration, Field(le=LONGEST_REPETITION)]


class RuleDocument(Document):
    name: Text
    value: Text
    phrases: list[Text] | None = Field(default=None, min_length=1, max_length=MOST_PHRASES)
    unless: list[Text] = Field(default=[], max_length=MOST_PHRASES)
    repetition: Any = None
    sentiment: Any = None


class SignalsDocument(Document):
    sentiment: list[Any] = Field(default=[], max_length=MOST_RULES)
    intent: list[Any] = Field(default=[], max_length=MOST_RULES)
    urgency: list[Any] = Field(default=[], max_length=MOST_RULES)


class SignalsFile(Document):
    negations: list[Text] = Field(default=[], max_length=MOST_PHRASES)
    signals: Any = None


def read_signals(root: Path) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The signals' document, as `profile.signal_rules.load_signals` reads it; None without a file,
    or when nothing of it can be used.
    """
    if not (root / FILE).is_file():
        return None, []
    source, problems = read_yaml(root / FILE, FILE)
    if source is None:
        return None, problems
    return _Reading(source).document()


@dataclass
class _Reading(FileReading):
    _names: set[str] = field(default_factory=set)

    def document(self) -> tuple[dict[str, Any] | None, list[Problem]]:
        file = self.validated((), self.source.data, SignalsFile)
        if file is None:
            return None, self.problems
        given = {} if file.signals is None else file.signals
        signals = self.validated(("signals",), given, SignalsDocument)
        for index, each in enumerate(file.negations):
            if len(words_of(each)) != 1:
                said = f"{each!r} is not one word"
                self.report(("negations", index), "SW1022", said, "Write single words here.")
        found = {
            signal: rules
            for signal in (given if signals is not None else ())
            if signal in SIGNALS and (rules := list(self._rules(signal, getattr(signals, signal))))
        }
        if not found:
            return None, self.problems
        return {"negations": file.negations, "signals": found}, self.problems

    def _rules(self, signal: str, given: list[Any]) -> Iterator[dict[str, Any]]:
        earlier: dict[tuple[str, ...], str] = {}
        for index, each in enumerate(given):
            path: DataPath = ("signals", signal, index)
            rule = self.validated(path, each, RuleDocument)
            if rule is None:
                continue
            self._check_name(path, rule.name)
            self._check_value(path, signal, rule.value)
            self._check_phrases(path, rule, earlier)
            kind = self._kind(path, rule, each)
            if kind is not None:
                yield {"name": rule.name, "value": rule.value, **kind}

    def _kind(
        self, path: DataPath, rule: RuleDocument, written: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """What the rule goes by; `written` has what of it is wrong, too."""
        given = [each for each in _KINDS if getattr(rule, each) is not None]
        if not given and any(written.get(each) is not None for each in _KINDS):
            return None
        if len(given) != 1:
            said = f"the rule {rule.name} goes by {' and '.join(given) or 'nothing'}"
            self.report(path, "SW1020", said, f"Give it one of {', '.join(_KINDS)}.")
            return None
        if rule.unless and rule.phrases is None:
            said = f"{rule.name} has `unless`, which is about phrases, and no phrases"
            self.report((*path, "unless"), "SW1020", said, "Remove `unless`.")
        if rule.phrases is not None:
            unless = {"unless": rule.unless} if rule.unless else {}
            return {"phrases": rule.phrases, **unless}
        if rule.repetition is not None:
            return self._repetition((*path, "repetition"), rule.repetition)
        return self._sentiment((*path, "sentiment"), rule.sentiment)

    def _repetition(self, path: DataPath, given: Any) -> dict[str, Any] | None:
        found = self.validated(path, given, RepetitionDocument)
        if found is None:
            return None
        return {"repetition": {"messages": found.messages, "seconds": found.within}}

    def _sentiment(self, path: DataPath, given: Any) -> dict[str, Any] | None:
        found = self.validated(path, given, SentimentDocument)
        if found is None:
            return None
        return {"sentiment": {"is": found.sentiment, "at_least": found.at_least}}

    def _check_name(self, path: DataPath, name: str) -> None:
        place = (*path, "name")
        if not _NAME.fullmatch(name):
            said = f"{name!r} is no name of a rule"
            self.report(
                place, "SW1021", said, "Write small letters, digits and _, as asks_for_help."
            )
        if name in self._names:
            said = f"another rule is named {name}; the record of a signal names its rule"
            self.report(place, "SW1021", said, "Give each rule a name of its own.")
        self._names.add(name)

    def _check_value(self, path: DataPath, signal: str, value: str) -> None:
        place, known = (*path, "value"), _VALUES.get(signal)
        if known is not None and value not in known:
            said = f"{signal} is never {value!r}"
            self.report(place, "SW1023", said, suggest(value, known))
        if signal == INTENT and not _NAME.fullmatch(value):
            said = f"{value!r} is no name of an intent"
            self.report(place, "SW1023", said, "Write small letters, digits and _, as thinking.")

    def _check_phrases(
        self, path: DataPath, rule: RuleDocument, earlier: dict[tuple[str, ...], str]
    ) -> None:
        for kind in ("phrases", "unless"):
            for index, phrase in enumerate(getattr(rule, kind) or ()):
                words = tuple(word for word, _ in words_of(phrase))
                place = (*path, kind, index)
                if not 1 <= len(words) <= MOST_WORDS:
                    said = f"{phrase!r} has {len(words)} words"
                    self.report(place, "SW1022", said, f"Write 1 to {MOST_WORDS} words.")
                elif kind == "phrases" and earlier.setdefault(words, rule.name) != rule.name:
                    said = f"{phrase!r} is a phrase of the rule {earlier[words]}, which wins"
                    self.report(place, "SW1022", said, "Keep it in one of the two.")
