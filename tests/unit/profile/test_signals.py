"""What messages make of signals: the first rule, the newest message, whatever the order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.model import Event
from stepwell.profile.signal_rules import load_signals
from stepwell.profile.signals import hear, signals_view, united_signals
from stepwell.storage.operations import Item
from tests.support.world import START, event

RULES = load_signals(
    {
        "negations": ["not"],
        "signals": {
            "sentiment": [
                {"name": "angry", "value": "negative", "phrases": ["awful"]},
                {
                    "name": "scored",
                    "value": "negative",
                    "sentiment": {"is": "negative", "at_least": 0.7},
                },
                {"name": "glad", "value": "positive", "phrases": ["thanks"]},
            ],
            "intent": [{"name": "thinks", "value": "thinking", "phrases": ["think about it"]}],
            "urgency": [
                {"name": "help", "value": "high", "phrases": ["help", "not working"]},
                {
                    "name": "sounds",
                    "value": "high",
                    "sentiment": {"is": "negative", "at_least": 0.9},
                },
                {"name": "again", "value": "high", "repetition": {"messages": 3, "seconds": 600}},
                {"name": "solved", "value": "normal", "phrases": ["solved"]},
            ],
        },
    }
)


def message(
    text: str, minute: int = 0, number: str = "", name: str = "Message Received", **more: Any
) -> Event:
    at = START + timedelta(minutes=minute)
    return event(
        name,
        number=number or f"{minute}",
        at=at,
        properties={"channel": "chat", "text": text, **more},
    )


def scored(about: Event, sentiment: str, score: Any) -> Event:
    properties = {"message_event": about.id, "sentiment": sentiment, "score": score}
    return event("Sentiment Detected", number=about.id, at=about.timestamp, properties=properties)


def after(*events: Event) -> Item:
    profile: Item = {}
    for each in events:
        profile |= hear(RULES, each, profile).changes
    return profile


def values(*events: Event) -> dict[str, tuple[str, str]]:
    kept = after(*events).get("signals", {})
    return {name: (each["value"], each["rule"]) for name, each in kept.items()}


def test_a_mail_that_is_broken_into_lines_is_understood() -> None:
    mail = message("Hi,\r\n\r\nthe app is not\r\nworking since Monday.\r\n\r\nAda")
    assert values(mail) == {"urgency": ("high", "help")}
    assert values(message("I can do that, not\r\n\r\nworking hours: 9 to 5")) == {}
    assert values(message("I am fine, and do not\nhelp me")) == {}


def test_a_signal_says_what_made_it_and_when() -> None:
    first = message("It is NOT working")
    heard = hear(RULES, first, None)
    (signal,) = heard.found
    assert signal.properties() == {
        "signal": "urgency",
        "value": "high",
        "rule": "help",
        "message_event": first.id,
    }
    assert heard.changes["signals"]["urgency"] == {
        "value": "high",
        "rule": "help",
        "at": "2026-11-24T21:14:00.000Z",
        "event": first.id,
    }
    assert signals_view(heard.changes)["urgency"]["at"] == START
    assert "working" not in str(heard.changes)


def test_the_first_rule_of_each_signal_wins() -> None:
    assert values(message("solved? no, help! awful, but thanks")) == {
        "sentiment": ("negative", "angry"),
        "urgency": ("high", "help"),
    }
    assert values(message("awful, solved")) == {
        "sentiment": ("negative", "angry"),
        "urgency": ("high", "sounds"),
    }


def test_the_newest_message_has_the_last_word_also_when_it_comes_first() -> None:
    messages = message("help", 0), message("solved", 5)
    assert values(*messages) == values(*reversed(messages)) == {"urgency": ("normal", "solved")}
    heard = hear(RULES, messages[1], after(messages[0]))
    assert [each.previous for each in heard.found] == ["high"]
    assert hear(RULES, messages[0], after(messages[1])).found == ()


def test_a_message_that_says_nothing_leaves_signals_as_they_are() -> None:
    assert values(message("help", 0), message("hello?", 5)) == {"urgency": ("high", "help")}
    assert hear(RULES, event("Order Completed"), after(message("help"))).changes == {}


@pytest.mark.parametrize(
    ("minutes", "is_high"),
    [([0, 4, 9], True), ([0, 4, 10], False), ([0, 1, 2, 3], True), ([0, 1], False)],
)
def test_so_many_messages_within_the_time(minutes: list[int], is_high: bool) -> None:
    said = [message("hello?", each) for each in minutes]
    assert ("urgency" in values(*said)) == ("urgency" in values(*reversed(said))) == is_high


def test_an_answer_begins_the_count_anew() -> None:
    answer = event("Message Answered", at=START + timedelta(minutes=2), properties={})
    first, second, third, fourth, fifth = (message("so?", each) for each in (0, 1, 3, 4, 5))
    assert values(first, second, answer, third, fourth) == {}
    assert values(first, second, third, fourth) == {"urgency": ("high", "again")}
    assert values(first, answer, second, third, fourth) == {}
    assert values(first, second, answer, third, fourth, fifth) == {"urgency": ("high", "again")}


def test_only_as_many_messages_are_remembered_as_rules_look_back() -> None:
    profile = after(*(message("so?", minute) for minute in range(100)))
    assert len(profile["conversation"]["received"]) == 6


def test_a_score_is_a_signal_of_the_message_that_it_is_about() -> None:
    said = message("It broke again.", 3)
    heard = hear(RULES, scored(said, "negative", 0.93456789), after(said))
    assert {
        each.signal: (each.value, each.rule, each.score, each.event) for each in heard.found
    } == {
        "sentiment": ("negative", "scored", 0.9346, said.id),
        "urgency": ("high", "sounds", 0.9346, said.id),
    }
    assert heard.changes["signals"]["sentiment"]["score"] == "0.9346"
    assert signals_view(heard.changes)["sentiment"]["score"] == 0.9346


@pytest.mark.parametrize(
    ("sentiment", "score", "expected"),
    [
        ("negative", 0.8, ["sentiment"]),
        ("negative", 0.69, []),
        ("positive", 0.99, []),
        ("negative", True, []),
        ("negative", 7, []),
        ("negative", "0.9", []),
        (None, 0.9, []),
    ],
)
def test_a_score_has_to_be_high_enough_and_one(
    sentiment: Any, score: Any, expected: list[str]
) -> None:
    assert sorted(values(scored(message("so?"), sentiment, score))) == expected


def test_of_two_rules_on_one_message_the_earlier_wins_whichever_is_heard_first() -> None:
    glad = message("thanks")
    score = scored(glad, "negative", 0.95)
    assert values(glad, score) == values(score, glad)
    assert values(glad, score)["sentiment"] == ("negative", "scored")
    angry = message("awful")
    score = scored(angry, "negative", 0.95)
    assert values(angry, score) == values(score, angry)
    assert values(angry, score)["sentiment"] == ("negative", "angry")


def test_a_text_to_our_number_is_a_message_and_a_stop_is_none() -> None:
    assert values(message("help", name="Message Replied", opt="none")) == {
        "urgency": ("high", "help")
    }
    assert values(message("stop, help", name="Message Replied", opt="out")) == {}


@pytest.mark.parametrize("text", [None, 7, ["help"], {"help": 1}])
def test_what_is_no_text_says_nothing(text: Any) -> None:
    assert values(message(text)) == {}


def test_a_signal_of_a_rule_that_is_gone_stays_until_a_newer_message() -> None:
    kept: Item = {
        "signals": {
            "urgency": {
                "value": "low",
                "rule": "gone",
                "event": "x",
                "at": "2026-11-24T21:14:00.000Z",
            }
        }
    }
    assert hear(RULES, message("so?", 1), kept).found == ()
    (signal,) = hear(RULES, message("help", 1), kept).found
    assert (signal.value, signal.previous) == ("high", "low")


def test_two_who_become_one_have_the_newer_word_on_each() -> None:
    ours, theirs = after(message("help", 1), message("thanks", 2)), after(message("solved", 3))
    for united in (united_signals(ours, theirs), united_signals(theirs, ours)):
        kept = {name: each["value"] for name, each in united["signals"].items()}
        assert kept == {"urgency": "normal", "sentiment": "positive"}
        assert len(united["conversation"]["received"]) == 3
    assert united_signals({}, {}) == {}


texts = st.sampled_from(
    ["help", "so?", "awful", "thanks", "solved", "think about it", "not working"]
)
talks = st.lists(
    st.tuples(texts, st.integers(0, 30), st.booleans()), max_size=6, unique_by=lambda each: each[1]
)


@given(talks, st.randoms(use_true_random=False))
def test_the_order_in_which_events_come_changes_nothing(
    talk: list[tuple[str, int, bool]], random: Any
) -> None:
    said = [message(text, minute) for text, minute, _ in talk]
    said += [
        scored(each, "negative", 0.95)
        for each, (_, _, rated) in zip(list(said), talk, strict=True)
        if rated
    ]
    shuffled = list(said)
    random.shuffle(shuffled)
    assert after(*said) == after(*shuffled)
