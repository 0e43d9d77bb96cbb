"""What settings have to be, beyond their types, so that the stage can be deployed and works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from infra.settings_types import Problem, wrong_types
from stepwell.messages.channels import CHANNELS
from stepwell.profile.sentiment import LANGUAGES

if TYPE_CHECKING:
    from infra.settings import Settings, Throttle

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP = r"(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
_DOMAIN = rf"(?:{_LABEL}\.)+{_TOP}"
_ADDRESS = rf"(?=.{{1,254}}$){_ATOM}(?:\.{_ATOM})*@{_DOMAIN}"
_CONFIGURATION_SET = r"[A-Za-z0-9_-]{1,64}"
_SNS_APPLICATION = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:app/\w+/[\w.-]+"
_ORIGINATION = r"arn:aws[a-z-]*:sms-voice:[a-z0-9-]+:\d{12}:(pool|phone-number|sender-id)/[\w/-]+"
_TIER = r"[a-z][a-z0-9_]{0,19}"

_CENTURY = 36_500
_WORKERS = (2, 1000)
"""What Lambda takes as the most that a queue may have at once."""
_MOST_CALLS = 1_000_000
_RATE_RULE = (10, 2_000_000_000)
"""What AWS WAF takes."""
_LANE = (0.001, 100_000)


@dataclass(frozen=True, slots=True)
class Rule:
    """`reads` are the other fields that it looks at: while one is wrong, it says nothing."""

    field: str
    find: Callable[[Settings], Iterator[Problem]]
    reads: tuple[str, ...] = ()


def problems_of(settings: Settings) -> list[Problem]:
    """All that is wrong; a field of the wrong type is held to no rule."""
    found: dict[str, list[Problem]] = {}
    for name, hint in get_type_hints(type(settings)).items():
        if wrong := list(wrong_types(name, getattr(settings, name), hint)):
            found[name] = wrong
    for rule in RULES:
        if not found.keys() & {rule.field, *rule.reads} and (wrong := list(rule.find(settings))):
            found[rule.field] = wrong
    return [each for wrong in found.values() for each in wrong]


def _rule(field: str, expected: str, holds: Callable[[Any], bool]) -> Rule:
    """Of the value alone."""

    def find(settings: Settings) -> Iterator[Problem]:
        value = getattr(settings, field)
        if not holds(value):
            yield Problem(field, value, expected)

    return Rule(field, find)


def _text(field: str, pattern: str, expected: str) -> Rule:
    return _rule(field, expected, lambda value: _matches(pattern, value))


def _optional(field: str, pattern: str, expected: str) -> Rule:
    return _rule(
        field, f"{expected}, or empty", lambda value: not value or _matches(pattern, value)
    )


def _number(field: str, low: int, high: int) -> Rule:
    return _rule(field, f"from {low} to {high}", lambda value: low <= value <= high)


def _number_or_none(field: str, low: int, high: int) -> Rule:
    expected = f"from {low} to {high}, or None"
    return _rule(field, expected, lambda value: value is None or low <= value <= high)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def _is_postal_address(text: str) -> bool:
    return len(text.strip()) >= 5 and len(text) <= 400 and text.replace("\n", "").isprintable()


def _identity(settings: Settings) -> Iterator[Problem]:
    """SES takes a verified domain for all domains below it."""
    sender, identity = settings.email_from.lower(), settings.email_identity.lower()
    domain = f".{sender.partition('@')[2]}"
    is_above = _matches(_DOMAIN, identity) and domain.endswith(f".{identity}")
    if not is_above and identity != sender:
        expected = f"the domain of email_from, {settings.email_from}, or one above; or that address"
        yield Problem("email_identity", settings.email_identity, expected)


def _burst(settings: Settings) -> Iterator[Problem]:
    low = settings.requests_per_second
    if not low <= settings.burst <= _MOST_CALLS:
        expected = f"from requests_per_second, {low}, to {_MOST_CALLS}"
        yield Problem("burst", settings.burst, expected)


def _tiers(settings: Settings) -> Iterator[Problem]:
    if "standard" not in settings.tiers:
        expected = "one of the tiers has to be 'standard', for sources without another"
        yield Problem("tiers", settings.tiers, expected)
    for name, throttle in settings.tiers.items():
        if not _matches(_TIER, name):
            expected = "a small letter, then small letters, digits and _, 20 at most"
            yield Problem("a key of tiers", name, expected)
        yield from _throttle(f"tiers[{name!r}]", throttle, settings)


def _without_header(settings: Settings) -> Iterator[Problem]:
    yield from _throttle("without_header", settings.without_header, settings)


def _throttle(where: str, throttle: Throttle, settings: Settings) -> Iterator[Problem]:
    """One caller's share of what the stage takes from all."""
    most = settings.requests_per_second
    if not 1 <= throttle.rate <= most:
        yield Problem(f"{where}.rate", throttle.rate, f"from 1 to requests_per_second, {most}")
    if not throttle.rate <= throttle.burst <= _MOST_CALLS:
        expected = f"from its rate, {throttle.rate}, to {_MOST_CALLS}"
        yield Problem(f"{where}.burst", throttle.burst, expected)


def _calls_per_address(settings: Settings) -> Iterator[Problem]:
    least, most = _RATE_RULE
    in_five_minutes = 300 * max(each.rate for each in settings.tiers.values())
    if not max(in_five_minutes, least) <= settings.calls_per_address <= most:
        expected = f"from {in_five_minutes}, what the highest tier allows, to {most}"
        yield Problem("calls_per_address", settings.calls_per_address, expected)


def _lanes(settings: Settings) -> Iterator[Problem]:
    least, most = _LANE
    for channel, lane in settings.lanes.items():
        where = f"lanes[{channel!r}]"
        if channel not in CHANNELS:
            yield Problem("a key of lanes", channel, f"a channel: {', '.join(CHANNELS)}")
        elif lane.name != channel:
            yield Problem(f"{where}.name", lane.name, f"{channel!r}, the channel")
        if not least <= lane.per_second <= most:
            yield Problem(f"{where}.per_second", lane.per_second, f"from {least} to {most}")
        if not 0 <= lane.kept < 1:
            yield Problem(f"{where}.kept", lane.kept, "a share, from 0 to below 1")


def _quarantine_alarm_days(settings: Settings) -> Iterator[Problem]:
    days, kept = settings.quarantine_alarm_days, settings.quarantine_days
    if not 1 <= days < kept:
        expected = f"from 1 to below quarantine_days, {kept}"
        yield Problem("quarantine_alarm_days", days, expected)


RULES = (
    _text(
        "email_from",
        _ADDRESS,
        "an address of the domain email_identity, such as shop@example.com",
    ),
    Rule("email_identity", _identity, reads=("email_from",)),
    _rule("postal_address", "5 to 400 letters, in lines", _is_postal_address),
    _optional("email_configuration_set", _CONFIGURATION_SET, "up to 64 letters, digits, _ and -"),
    _optional("sms_origination", _ORIGINATION, "an ARN of a pool, phone-number or sender-id"),
    _optional("sms_configuration_set", _CONFIGURATION_SET, "up to 64 letters, digits, _ and -"),
    _optional("sms_sender_id", r"[A-Za-z0-9-]{1,11}", "up to 11 letters, digits and -"),
    _optional("push_application_id", r"[0-9a-f]{32}", "32 digits from 0 to f"),
    _optional(
        "push_application_arn",
        _SNS_APPLICATION,
        "arn:aws:sns:<region>:<account>:app/<platform>/<name>",
    ),
    _optional("whatsapp_number_id", r"phone-number-id-[0-9a-zA-Z]+", "phone-number-id-…"),
    Rule("lanes", _lanes),
    _optional(
        "public_url",
        rf"https://{_DOMAIN}(/[\w.-]+)*",
        "an address without a slash at its end, such as https://events.example.com",
    ),
    _optional("alarm_email", _ADDRESS, "an address, such as operators@example.com"),
    _number("memory_mb", 128, 10_240),
    _number("requests_per_second", 1, _MOST_CALLS),
    Rule("burst", _burst, reads=("requests_per_second",)),
    Rule("tiers", _tiers, reads=("requests_per_second",)),
    Rule("without_header", _without_header, reads=("requests_per_second",)),
    Rule("calls_per_address", _calls_per_address, reads=("tiers",)),
    _number("router_concurrency", *_WORKERS),
    _number("feedback_concurrency", *_WORKERS),
    _number("commands_concurrency", *_WORKERS),
    _number_or_none("delivery_concurrency", 1, 100_000),
    _number_or_none("archive_days", 30, _CENTURY),
    _number("quarantine_days", 2, _CENTURY),
    Rule("quarantine_alarm_days", _quarantine_alarm_days, reads=("quarantine_days",)),
    _number("sweep_at_most", 1, 100_000),  # 150 of 240 s at 15 ms for ten
    _rule(
        "comprehend_languages",
        f"some of {', '.join(sorted(LANGUAGES))}",
        lambda value: bool(value) and set(value) <= set(LANGUAGES),
    ),
)
