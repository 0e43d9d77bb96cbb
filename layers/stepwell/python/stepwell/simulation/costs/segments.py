"""How many SMS segments a text takes, which is what carriers charge for.

A text in the GSM 7-bit alphabet has 160 characters in one segment, 153 in each of several; a
character of its extension table takes two, which are not torn apart. One character beyond turns the
whole text to UCS-2: 70, or 67 in each of several, where a surrogate pair is not torn apart.
Source: 3GPP TS 23.038; AWS End User Messaging SMS, "SMS character limits".
"""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")
_GSM_7 = (160, 153)
_UCS_2 = (70, 67)


def segments(text: str) -> int:
    """At least one, also for an empty text."""
    characters = set(text)
    if characters <= _BASIC:
        return _packed(len(text), _GSM_7)
    if characters <= _BASIC | _EXTENSION:
        widths = [2 if each in _EXTENSION else 1 for each in text]
        return _torn_nowhere(widths, _GSM_7)
    return _torn_nowhere([2 if ord(each) > 0xFFFF else 1 for each in text], _UCS_2)


def _packed(length: int, limits: tuple[int, int]) -> int:
    whole, part = limits
    return 1 if length <= whole else -(-length // part)


def _torn_nowhere(widths: list[int], limits: tuple[int, int]) -> int:
    whole, part = limits
    if sum(widths) <= whole:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count
