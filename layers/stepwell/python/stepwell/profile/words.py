"""A text as words that can be compared: without case, accents and punctuation, in one pass.

Scripts that put no spaces between words (Chinese, Japanese, Thai …) are read sign by sign, and so
are emoji: a phrase is found in them wherever it stands. Mail is broken into lines in the middle of
sentences, so a line's end is a space; a line without words ends a paragraph, and a sentence.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from functools import lru_cache

LONGEST_TEXT = 10_000
"""Characters of a text that are read; a longer one is cut off there."""


class Gap(IntEnum):
    """What stands before a word."""

    SPACE = 0
    CLAUSE = 1
    """A comma or the like: a "no" before it does not belong to what follows."""
    SENTENCE = 2
    """The end of a sentence or paragraph: no phrase goes across it."""


Words = list[tuple[str, Gap]]

_DROPPED = dict.fromkeys([*range(0x300, 0x370), *map(ord, "'\u2019\u02bc`\u00b4\u200d\ufe0f")])
"""Accents, once they are letters of their own, and what joins letters or signs: "don't", "dont"."""
_CLAUSE = frozenset(",;:()\u2013\u2014\u060c\u3001")
_SENTENCE = frozenset("!?\u2026\u3002\u061f\u0964")
"""Those of Arabic, Chinese, Japanese and Hindi too; wide ones have become plain ones by then."""
_ALONE = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Japanese syllables
    (0x3400, 0x9FFF),  # Chinese signs
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_LETTER, _SIGN, _CLAUSE_END, _SENTENCE_END, _LINE_END, _DOT, _NOTHING = range(7)


def words_of(text: str) -> Words:
    """The words with what stands before each; the first stands at the beginning of a sentence.

    `ended`: a line has ended since the last word, so that the next end is that of an empty one.
    """
    found: Words = []
    word, gap, ended = [], Gap.SENTENCE, False
    plain = _plain(text)
    for place, sign in enumerate(plain):
        kind = _kind(sign)
        if kind == _LETTER:
            word.append(sign)
            continue
        if word:
            found.append(("".join(word), gap))
            word, gap, ended = [], Gap.SPACE, False
        if kind == _SIGN:
            found.append((sign, gap))
            gap, ended = Gap.SPACE, False
        elif kind == _LINE_END:
            gap, ended = (Gap.SENTENCE if ended else gap), True
        elif kind != _NOTHING:
            gap = max(gap, _gap(kind, plain[place + 1 : place + 2]))
    if word:
        found.append(("".join(word), gap))
    return found


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
    return decomposed.translate(_DROPPED)[:LONGEST_TEXT]


def _gap(kind: int, after: str) -> Gap:
    """A dot ends a sentence only before a space: not within "a.s.a.p." or an address."""
    if kind == _DOT:
        return Gap.SENTENCE if not after or after.isspace() else Gap.SPACE
    return Gap.CLAUSE if kind == _CLAUSE_END else Gap.SENTENCE


@lru_cache(maxsize=4096)
def _kind(sign: str) -> int:
    if sign in _CLAUSE:
        return _CLAUSE_END
    if sign in _SENTENCE:
        return _SENTENCE_END
    if sign == "\n":
        return _LINE_END
    if sign == ".":
        return _DOT
    code = ord(sign)
    if any(first <= code <= last for first, last in _ALONE):
        return _SIGN
    if sign.isalnum() or unicodedata.category(sign).startswith("M"):
        return _LETTER
    return _SIGN if unicodedata.category(sign) == "So" else _NOTHING
