"""A look at a condition's characters before it is parsed.

Finds what the parser would report badly or take very long about: texts that do not end, brackets
that do not match, nesting too deep. Reads each character once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.conditions.tree import MAX_DEPTH

MAX_CHARACTERS = 4096
"""Of one condition."""

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPES |= {mark: mark for mark in "\\?\"'`"}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.)|$)",
    re.DOTALL,
)
_OPEN_TEXT = re.compile(r"(?<![A-Za-z0-9_])[bBrR]{1,2}(?=['\"])|(?=['\"])")
_PAIRS = {")": "(", "]": "[", "}": "{"}


class ConditionSyntaxError(Exception):
    """A condition that is not CEL, or that needs a part of CEL that Stepwell does not have.

    `line` and `column` count from 1 within the condition's text.
    """

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.line = line
        self.column = column
        self.message = message


def scan(text: str) -> None:
    """Raises ConditionSyntaxError at the first character that cannot be right."""
    if len(text) > MAX_CHARACTERS:
        raise ConditionSyntaxError(1, 1, f"a condition has at most {MAX_CHARACTERS} characters")
    if not text.strip():
        raise ConditionSyntaxError(1, 1, "the condition is empty")
    brackets: list[tuple[str, int]] = []
    for position, character in _outside_texts(text):
        _follow_brackets(text, position, character, brackets)
    if brackets:
        bracket, position = brackets[-1]
        raise error_at(text, position, f"this {bracket} is never closed")


def _follow_brackets(
    text: str, position: int, character: str, brackets: list[tuple[str, int]]
) -> None:
    if character in _PAIRS.values():
        brackets.append((character, position))
        if len(brackets) > MAX_DEPTH:
            raise error_at(text, position, f"brackets are nested deeper than {MAX_DEPTH} levels")
    elif character in _PAIRS and (not brackets or brackets.pop()[0] != _PAIRS[character]):
        raise error_at(text, position, f"this {character} closes nothing")


def _outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """The characters that are neither in a text literal nor in a comment."""
    position = 0
    while position < len(text):
        prefix = _OPEN_TEXT.match(text, position)
        if prefix:
            position = _end_of_text(text, position, prefix.end(), raw="r" in prefix[0].lower())
        elif text.startswith("//", position):
            position = (text.find("\n", position) + 1) or len(text)
        else:
            yield position, text[position]
            position += 1


def _end_of_text(text: str, start: int, opening: int, *, raw: bool) -> int:
    mark = text[opening]
    quote = mark * 3 if text.startswith(mark * 3, opening) else mark
    position = opening + len(quote)
    while not text.startswith(quote, position):
        if position >= len(text) or (text[position] in "\r\n" and len(quote) == 1):
            raise error_at(text, start, f"this text is never closed with {quote}")
        position += 2 if text[position] == "\\" and not raw else 1
    return position + len(quote)


def error_at(text: str, position: int, message: str) -> ConditionSyntaxError:
    """The error at a character's index."""
    before = text[:position]
    line = before.count("\n") + 1
    return ConditionSyntaxError(line, position - (before.rfind("\n") + 1) + 1, message)


def text_value(literal: str) -> str:
    """What a text literal stands for. Raises ValueError naming an escape that CEL does not have."""
    raw = literal[0] in "rR"
    body = literal[1:] if raw else literal
    width = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    body = body[width:-width]
    return body if raw else _ESCAPE.sub(_unescaped, body)


def _unescaped(found: re.Match[str]) -> str:
    hexadecimal = found[1] or found[2] or found[3]
    if hexadecimal or found[4]:
        code = int(hexadecimal, 16) if hexadecimal else int(found[4], 8)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"{found[0]} is no character")
        return chr(code)
    if found[5] not in _ESCAPES:
        raise ValueError(f"CEL has no escape {found[0]}")
    return _ESCAPES[found[5]]
