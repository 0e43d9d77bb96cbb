"""Phrases in texts as people write them, and texts that are made to be slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.profile.phrases import Owner, PhraseBook
from stepwell.profile.words import LONGEST_TEXT, words_of

BOOK = PhraseBook(
    [
        Owner(
            "help", ("ASAP", "help", "not working", "a.s.a.p.", "naïve"), ("thanks for your help",)
        ),
        Owner("wait", ("let me think about it", "don't know", "ich weiß nicht")),
        Owner("elsewhere", ("助けて", "ขอความช่วยเหลือ", "😡", "быстрее")),
    ],
    negations=("not", "no", "don't"),
)


def found(text: str) -> list[str]:
    return sorted(map(str, BOOK.owners_in(text)))


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("asap", ["help"]),
        ("I need this ASAP!!!", ["help"]),
        ("need it a.s.a.p.", ["help"]),
        ("It is NOT  working.", ["help"]),
        ("It is not-working", ["help"]),
        ("It is not. Working on it.", []),
        ("helpless", []),
        ("self-help", ["help"]),
        ("Let me think, about it", ["wait"]),
        ("let me think\nabout it", ["wait"]),
        ("The app is not\nworking since Monday", ["help"]),
        ("The app is not\r\n  working", ["help"]),
        ("not \n working", ["help"]),
        ("The app is not\n\nWorking hours: 9 to 5", []),
        ("The app is not\r\n\r\nworking", []),
        ("The app is not\n \t \u00a0\nworking", []),
        ("The app is not,\n\nworking", []),
        ("not so\n😡\nworking", ["elsewhere"]),
        ("let me\nthink\nabout\nit", ["wait"]),
        ("> it is not\n> working", ["help"]),
        ("> it is not\n>\n> working", []),
        ("dont know", ["wait"]),
        ("don\u2019t know", ["wait"]),
        ("ICH WEISS NICHT", ["wait"]),
        ("so naive", ["help"]),
        ("助けてください", ["elsewhere"]),
        ("ช่วย ขอความช่วยเหลือ ด้วย", ["elsewhere"]),
        ("grr😡😡", ["elsewhere"]),
        ("Быстрее, пожалуйста", ["elsewhere"]),
        ("", []),
    ],
)
def test_a_phrase_is_found_as_whole_words(text: str, owners: list[str]) -> None:
    assert found(text) == owners


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ("no help", []),
        ("No, help!", ["help"]),
        ("No. Help!", ["help"]),
        ("I need no\nhelp", []),
        ("No.\nHelp!", ["help"]),
        ("No,\nhelp!", ["help"]),
        ("No\n\nHelp!", ["help"]),
        ("Thanks for\r\nyour help", []),
        ("Thanks for\n\nyour help", ["help"]),
        ("please don't help", []),
        ("no help, not working", ["help"]),
        ("Thanks for your help", []),
        ("Thanks for your help. Now help again", ["help"]),
    ],
)
def test_what_is_denied_or_excepted_does_not_count(text: str, owners: list[str]) -> None:
    assert found(text) == owners


@given(st.text(max_size=200), st.sampled_from(["not working", "ASAP", "let me think about it"]))
def test_a_phrase_between_sentences_is_always_found(around: str, phrase: str) -> None:
    assert BOOK.owners_in(f"{around}\n\n{phrase}\n\n{around}")


@given(st.text())
def test_any_text_is_words_and_the_same_in_capitals(text: str) -> None:
    folded = text.casefold()
    assert words_of(folded) == words_of(text)
    assert all(word for word, _ in words_of(text))


@pytest.mark.parametrize(
    "text",
    [
        "not " * 400_000,
        "a" * 2_000_000,
        "let me think about " * 100_000,
        "ﷺ" * 500_000,
        "\u0301" * 900_000,
        "\n" * 2_000_000,
        "not\r\n \r\n" * 300_000,
        "not\nworking\n" * 100_000,
    ],
)
def test_no_text_is_slow(text: str) -> None:
    """Only the first characters are read; a hundred times what it takes is allowed."""
    before = time.process_time()
    BOOK.owners_in(text)
    assert time.process_time() - before < 1.0


def test_the_time_does_not_go_with_the_number_of_phrases() -> None:
    """Every word of the text begins a thousand phrases of which none is there."""
    words = [f"a b c d e f g h w{number}" for number in range(1_000)]
    book = PhraseBook([Owner("many", tuple(words))])
    before = time.process_time()
    assert not book.owners_in("a b c d e f g h " * (LONGEST_TEXT // 16))
    assert time.process_time() - before < 1.0
