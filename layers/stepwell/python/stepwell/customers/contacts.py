"""Email addresses and phone numbers in the one form in which they are compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_NOBODYS = re.compile(r"\+?(?:(\d)\1*|1234567\d*)")
"""One digit over and over, or the digits in their order: what people write who give no number."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL = 320
LONGEST_PHONE = 32


def plain_email(value: object) -> str | None:
    """In small letters, without space around it; None for what is no address."""
    text = value.strip() if isinstance(value, str) else ""
    return text.lower() if len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) else None


def plain_phone(value: object, country: object = None) -> str | None:
    """The number as E.164; None for what is none, or nobody's.

    `country` (ISO 3166) is whose national numbers are meant. A number that is written as E.164 is
    taken as it is, also one that nobody has: that costs no more than a look.
    """
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > LONGEST_PHONE or _NOBODYS.fullmatch(text):
        return None
    if _E164.fullmatch(text):
        return text
    from phonenumbers import (  # noqa: PLC0415 - 30 ms, and SDKs mostly send E.164
        NumberParseException,
        PhoneNumberFormat,
        format_number,
        is_possible_number,
        parse,
    )

    region = country.upper() if isinstance(country, str) and len(country) == 2 else None
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    return format_number(number, PhoneNumberFormat.E164) if is_possible_number(number) else None


def country_of(traits: Mapping[str, Any]) -> object:
    """The country that traits name, as Segment has it: of its own, or in the address."""
    address = traits.get("address")
    return traits.get("country") or (address.get("country") if isinstance(address, dict) else None)
