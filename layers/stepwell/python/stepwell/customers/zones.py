"""Which time zones a customer may be in, and how we know. Pure but for the zone rules it ships
with.

The rules and the countries' zones come from the tzdata package alone, so that every machine decides
alike; a phone number's area comes from phonenumbers, imported only when a number is all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.values import value


@value
class Candidates:
    """Zones that a customer may be in, all of them equally; none when nothing is known.

    `source`: trait | event | phone | country | phone_country | none.
    """

    zones: tuple[ZoneInfo, ...]
    source: str

    @property
    def names(self) -> list[str]:
        return [zone.key for zone in self.zones]


def candidates(profile: Mapping[str, Any]) -> Candidates:
    """The zones of the best source that names any: the trait, the event's context, the phone
    number's area, the country, the phone number's country.
    """
    phone = (profile.get("addresses") or {}).get("sms")
    sources: tuple[tuple[str, Callable[[object], tuple[ZoneInfo, ...]], object], ...] = (
        ("trait", _named, profile.get("zone")),
        ("event", _named, profile.get("context_zone")),
        ("phone", _of_phone_area, phone),
        ("country", _of_country, profile.get("country")),
        ("phone_country", _of_phone_country, phone),
    )
    for source, find, known in sources:
        zones = find(known)
        if zones:
            return Candidates(zones, source)
    return Candidates((), "none")


def zones_of(profile: Mapping[str, Any], default_zone: str | None) -> tuple[ZoneInfo, ...]:
    """The candidate zones; the default zone when there are none. Empty without either."""
    return candidates(profile).zones or _named(default_zone)


def load_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, with tzdata's rules; None when there is none of that name."""
    return _load(name) if name in _names() else None  # only what exists is kept for good


@cache
def _load(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split())


def _named(name: object) -> tuple[ZoneInfo, ...]:
    zone = load_zone(name) if isinstance(name, str) else None
    return (zone,) if zone else ()


def _all_named(names: Iterable[str]) -> tuple[ZoneInfo, ...]:
    return tuple(zone for name in names for zone in _named(name))


@cache
def _country_zones() -> Mapping[str, tuple[str, ...]]:
    """Zone names by ISO 3166 country, of zones whose clocks have differed since 1970."""
    found: dict[str, list[str]] = {}
    text = (
        resources.files("tzdata").joinpath("zoneinfo", "zone1970.tab").read_text(encoding="utf-8")
    )
    for line in text.splitlines():
        if line and not line.startswith("#"):
            countries, _, name = line.split("\t")[:3]
            for country in countries.split(","):
                found.setdefault(country, []).append(name)
    return {country: tuple(names) for country, names in found.items()}


def _of_country(country: object) -> tuple[ZoneInfo, ...]:
    return _of_countries([country]) if isinstance(country, str) else ()


def _of_countries(countries: Iterable[str]) -> tuple[ZoneInfo, ...]:
    found = (name for each in countries for name in _country_zones().get(each.upper(), ()))
    return _all_named(dict.fromkeys(found))


def _of_phone_area(phone: object) -> tuple[ZoneInfo, ...]:
    """The zones of the number's area code. Raises nothing for what is no number."""
    if not isinstance(phone, str):
        return ()
    from phonenumbers import NumberParseException, parse  # noqa: PLC0415 - 30 ms, seldom needed
    from phonenumbers.timezone import time_zones_for_geographical_number  # noqa: PLC0415

    try:
        return _all_named(time_zones_for_geographical_number(parse(phone)))
    except NumberParseException:
        return ()


def _of_phone_country(phone: object) -> tuple[ZoneInfo, ...]:
    if not isinstance(phone, str):
        return ()
    from phonenumbers import (  # noqa: PLC0415 - as above
        NumberParseException,
        parse,
        region_codes_for_country_code,
    )

    try:
        code = parse(phone).country_code
    except NumberParseException:
        return ()
    return _of_countries(region_codes_for_country_code(code)) if code else ()
