"""Which zones a customer may be in: the best source that names any, and the source's name."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from stepwell.customers.zones import candidates, load_zone, zones_of


def profile(**values: Any) -> dict[str, Any]:
    phone = values.pop("phone", None)
    return {**values, "addresses": {"sms": phone} if phone else {}}


@pytest.mark.parametrize(
    ("known", "source", "zones"),
    [
        (
            profile(zone="Asia/Tokyo", context_zone="Europe/Rome", phone="+12125550123"),
            "trait",
            ["Asia/Tokyo"],
        ),
        (profile(context_zone="Europe/Rome", phone="+12125550123"), "event", ["Europe/Rome"]),
        (profile(phone="+12125550123", country="GB"), "phone", ["America/New_York"]),
        (profile(country="GB"), "country", ["Europe/London"]),
        (profile(country="gb"), "country", ["Europe/London"]),
        (profile(zone="Mars/Olympus", country="FR"), "country", ["Europe/Paris"]),
        (profile(zone="", country="FR"), "country", ["Europe/Paris"]),
        (profile(zone="../../etc/passwd", country="FR"), "country", ["Europe/Paris"]),
        (profile(zone=7, country=["FR"]), "none", []),
        (profile(phone="no number", country="FR"), "country", ["Europe/Paris"]),
        (profile(phone="+80012345678"), "none", []),
        (profile(), "none", []),
        ({}, "none", []),
    ],
)
def test_the_best_source_wins(known: dict[str, Any], source: str, zones: list[str]) -> None:
    found = candidates(known)
    assert (found.source, found.names) == (source, zones)


def test_a_large_country_has_many_zones() -> None:
    names = candidates(profile(country="US")).names
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} < set(names)
    assert len(names) == len(set(names))


def test_a_fictional_uk_mobile_is_in_the_uk() -> None:
    assert "Europe/London" in candidates(profile(phone="+447700900123")).names


def test_the_default_zone_is_for_those_of_whom_nothing_is_known() -> None:
    assert [zone.key for zone in zones_of(profile(), "Europe/London")] == ["Europe/London"]
    assert [zone.key for zone in zones_of(profile(country="FR"), "Europe/London")] == [
        "Europe/Paris"
    ]
    assert zones_of(profile(), None) == ()


def test_zones_are_loaded_once() -> None:
    assert load_zone("Europe/London") is load_zone("Europe/London")


def test_phone_numbers_are_imported_only_when_needed() -> None:
    code = (
        "import sys; from stepwell.customers.zones import candidates;"
        "candidates({'zone': 'Europe/London', 'addresses': {'sms': '+447700900123'}});"
        "assert 'phonenumbers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
