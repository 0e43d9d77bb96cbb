"""What customers write to be left alone, and what they write otherwise."""

from __future__ import annotations

import pytest

from stepwell.feedback.opt_out import Wish, wish_of

OUT = [
    *("STOP", "stop", "Stop.", "STOP!!!", "stopall", "STOP ALL", "END", "quit", "Cancel"),
    *("UNSUBSCRIBE", "revoke", "OPT OUT", "opt-out", "OptOut", "please stop", "Stop it"),
    *("Stop texting me please", "unsubscribe me from your list", "Remove me", "remove my number"),
    *("I want to unsubscribe", "don't text me again", "Don\u2019t contact me", "do not message me"),
    *("no more messages", "No more texts, thanks", "leave me alone", "\U0001f6d1 stop \U0001f6d1"),
    *("alto", "Parar", "no m\u00e1s mensajes", "ARR\u00caT", "arr\u00eater s'il vous pla\u00eet"),
    *("Stopp bitte", "abmelden", "sair", "cancella", "stoppen"),
]
OTHER = [
    *("", "Can you stop by tomorrow?", "cancel my order", "When does the sale end?", "HELP"),
    *("I can't stop laughing", "I quit smoking", "please", "thanks", "yes", "stopwatch"),
    *("Where do I start?", "Don't text my husband", "no more dresses in green?", "remove the hat"),
    *("\u505c", "12345", "How do I revoke my subscription to the magazine"),
]


@pytest.mark.parametrize("text", OUT)
def test_an_opt_out(text: str) -> None:
    assert wish_of(text) is Wish.OUT


@pytest.mark.parametrize("text", OTHER)
def test_a_text_like_any_other(text: str) -> None:
    assert wish_of(text) is Wish.NONE


@pytest.mark.parametrize("text", ["START", "unstop", "Opt in", "start again please", "Subscribe"])
def test_an_opt_in(text: str) -> None:
    assert wish_of(text) is Wish.IN
