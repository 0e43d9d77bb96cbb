"""How a message sounds, asked of Amazon Comprehend: what is asked, and the event that it answers.

The router asks by a queue of its own, and names the message by where it lies in the archive: the
text is in no second place. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from stepwell.events.archive import minute_prefix
from stepwell.events.model import Event
from stepwell.events.told import inside_event
from stepwell.profile.signal_rules import SignalRules
from stepwell.profile.signals import SENTIMENT_DETECTED, is_message, text_of
from stepwell.values import value

MOST_BYTES = 4_999
"""Of a text that Comprehend takes: fewer than 5,000, in UTF-8."""
LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW")
"""Those whose sentiment it knows."""


@value
class SentimentRequest:
    """Whose message it is, the fingerprint of its event, and the archive's object that has it."""

    customer: str
    fingerprint: str
    archived: str

    def body(self) -> str:
        return json.dumps(
            {
                "customer": self.customer,
                "fingerprint": self.fingerprint,
                "archived": self.archived,
            }
        )


@value
class Sentiment:
    sentiment: str
    score: float


class SentimentModel(Protocol):
    """Says how a text sounds."""

    def sentiment(self, text: str, language: str) -> Sentiment: ...


def read_request(body: str) -> SentimentRequest:
    return SentimentRequest(**json.loads(body))


def request_for(
    event: Event, customer: str, rules: SignalRules, archived: Iterable[str]
) -> SentimentRequest | None:
    """What to ask about an event that was applied; None when there is nothing to ask, or no rule
    goes by the answer. The same for the same event, however often it comes.
    """
    if not (customer and is_message(event) and text_of(event).strip() and rules.go_by_sentiment):
        return None
    prefix = minute_prefix(event)
    key = next((each for each in archived if each.startswith(prefix)), None)
    return SentimentRequest(customer, event.fingerprint, key) if key else None


def language_of(event: Event, languages: Sequence[str]) -> str:
    """The language of the event's locale, if it is one that is spoken here; else the first."""
    locale = event.context.get("locale")
    said = locale.replace("_", "-").lower() if isinstance(locale, str) else ""
    known = {each.lower(): each for each in languages}
    return known.get(said) or known.get(said.partition("-")[0]) or languages[0]


def shortened(text: str) -> str:
    """As much of the text as Comprehend takes, in whole characters."""
    return text.encode()[:MOST_BYTES].decode(errors="ignore")


def answer(
    request: SentimentRequest,
    message: Event,
    model: SentimentModel,
    languages: Sequence[str],
    now: datetime,
) -> Event:
    """The event that tells how the message sounds. It has the message's time, so that it is about
    the same moment, and the same id whenever it is asked about.
    """
    language = language_of(message, languages)
    found = model.sentiment(shortened(text_of(message)), language)
    return inside_event(
        f"sentiment-{request.fingerprint}",
        SENTIMENT_DETECTED,
        request.customer,
        {
            "message_event": message.id,
            "sentiment": found.sentiment,
            "score": found.score,
            "language": language,
        },
        at=message.timestamp,
        received_at=now,
        user_id=message.user_id,
        anonymous_id=message.anonymous_id,
    )
