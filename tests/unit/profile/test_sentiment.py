"""What Comprehend is asked, and the event that its answer becomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.archive import pack, unpack
from stepwell.events.model import Event, to_message
from stepwell.profile.sentiment import (
    MOST_BYTES,
    Sentiment,
    SentimentRequest,
    answer,
    language_of,
    read_request,
    request_for,
    shortened,
)
from stepwell.profile.signal_rules import load_signals
from tests.support.world import START, event

BY_SENTIMENT = {
    "name": "bad",
    "value": "negative",
    "sentiment": {"is": "negative", "at_least": 0.7},
}
RULES = load_signals({"signals": {"sentiment": [BY_SENTIMENT]}})
BY_PHRASES = load_signals(
    {"signals": {"sentiment": [{"name": "bad", "value": "negative", "phrases": ["awful"]}]}}
)


def message(text: Any = "It broke.", **more: Any) -> Event:
    return event("Message Received", properties={"channel": "chat", "text": text}, **more)


@dataclass
class Model:
    asked: list[tuple[str, str]] = field(default_factory=list)

    def sentiment(self, text: str, language: str) -> Sentiment:
        self.asked.append((text, language))
        return Sentiment("negative", 0.9312)


def archived(*events: Event) -> dict[str, bytes]:
    return dict(pack((to_message(each), "") for each in events))


def test_the_request_leads_to_the_message_and_has_no_text() -> None:
    later = replace(message("secret words"), received_at=START + timedelta(minutes=3))
    objects = archived(message("other"), later)
    request = request_for(later, "c1", RULES, list(objects))
    assert request is not None
    assert "secret" not in request.body()
    assert read_request(request.body()) == request
    found = [each.event for each in unpack(objects[request.archived])]
    assert [each.fingerprint for each in found] == [request.fingerprint]


@pytest.mark.parametrize(
    "nothing",
    [
        lambda: request_for(event("Order Completed"), "c1", RULES, archived(message())),
        lambda: request_for(message("  \n"), "c1", RULES, archived(message())),
        lambda: request_for(message(None), "c1", RULES, archived(message())),
        lambda: request_for(message(), "", RULES, archived(message())),
        lambda: request_for(message(), "c1", BY_PHRASES, archived(message())),
        lambda: request_for(message(), "c1", RULES, []),
    ],
)
def test_nothing_is_asked_that_says_nothing_or_helps_no_rule(nothing: Any) -> None:
    assert request_for(message(), "c1", RULES, archived(message())) is not None
    assert nothing() is None


def test_the_answer_is_the_same_event_of_the_messages_time_whenever_it_is_asked() -> None:
    said, model = message("It broke.", anonymous_id="a1"), Model()
    request = SentimentRequest("c1", said.fingerprint, "key")
    first, second = (
        answer(request, said, model, ["en"], START + timedelta(hours=hours)) for hours in (0, 5)
    )
    assert first.fingerprint == second.fingerprint
    assert first.timestamp == second.timestamp == said.timestamp
    assert (first.customer, first.user_id, first.anonymous_id) == ("c1", "ada", "a1")
    assert first.properties == {
        "message_event": said.id,
        "sentiment": "negative",
        "score": 0.9312,
        "language": "en",
    }
    assert model.asked == [("It broke.", "en")] * 2


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de-DE", "de"),
        ("de_AT", "de"),
        ("EN", "en"),
        ("zh-TW", "zh-TW"),
        ("zh-Hant", "zh"),
        ("fr-FR", "en"),
        ("", "en"),
        (None, "en"),
        (7, "en"),
    ],
)
def test_the_language_is_the_locales_where_it_is_spoken_here(locale: Any, language: str) -> None:
    said = message(context={"locale": locale})
    assert language_of(said, ["en", "de", "zh", "zh-TW"]) == language


@given(st.text(alphabet="aé漢😡", max_size=3_000))
def test_a_text_is_cut_to_what_comprehend_takes_in_whole_characters(text: str) -> None:
    cut = shortened(text)
    assert text.startswith(cut)
    assert len(cut.encode()) <= MOST_BYTES
    assert cut == text or len(cut.encode()) > MOST_BYTES - 4
