"""What is kept of an event's context: the newest word, as coarse and as long as it is declared."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.conditions.distance import great_circle_km
from stepwell.profile.context import (
    DEVICE,
    LOCALE,
    NOTHING_KEPT,
    PARTS,
    PLACE,
    ContextRules,
    Part,
    newer_context,
    part_of,
    with_context,
)

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
NAMES = ("city", "region", "country")
RULES = ContextRules(
    {
        PLACE: Part(("service",), MONTH, 1.0, NAMES),
        DEVICE: Part(("marketing", "service"), 12 * MONTH),
        LOCALE: Part(("service",), MONTH),
    }
)
BERLIN = {"latitude": 52.52437, "longitude": 13.41053, "city": "Berlin", "country": "Germany"}
PHONE = {
    "device": {"id": "B5372DB0", "advertisingId": "7A3CBEA0", "type": "ios", "token": "ff15",
               "manufacturer": "Apple", "model": "iPhone16,2", "name": "Ada's iPhone"},
    "os": {"name": "iOS", "version": "26.1"},
    "app": {"name": "Shop", "version": "4.2", "build": "77", "namespace": "com.shop"},
    "network": {"wifi": False, "cellular": True, "bluetooth": True, "carrier": "T-Mobile"},
    "ip": "203.0.113.9",
    "userAgent": "Shop/4.2",
}  # fmt: skip


def after(
    *said: tuple[dict[str, Any], datetime],
    rules: ContextRules = RULES,
    now: datetime | None = None,
    profile: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A profile after contexts and the times at which they were said."""
    profile = profile or {"seq": 1}
    for context, at in said:
        profile = with_context(profile, context, at, now or at, rules)
    return profile


def place(profile: dict[str, Any], now: datetime = START, rules: ContextRules = RULES) -> Any:
    return part_of(profile, PLACE, rules, now)


def test_place_is_kept_with_its_time_and_coarse() -> None:
    profile = after(({"location": BERLIN | {"speed": 12}}, START))
    found = place(profile)
    assert found == {
        "latitude": 52.52031,
        "longitude": 13.41243,
        "city": "Berlin",
        "country": "Germany",
        "at": START,
    }
    told = great_circle_km(52.52437, 13.41053, found["latitude"], found["longitude"])
    assert 0.3 < told < 1
    assert "52.524" not in json.dumps(profile)


def test_device_is_kept_without_its_ids() -> None:
    profile = after((PHONE, START))
    assert part_of(profile, DEVICE, RULES, START) == {
        "kind": "ios",
        "manufacturer": "Apple",
        "model": "iPhone16,2",
        "os": "iOS",
        "os_version": "26.1",
        "app": "Shop",
        "app_version": "4.2",
        "network": "cellular",
        "at": START,
    }
    text = json.dumps(profile)
    assert not [each for each in ("B5372", "7A3C", "ff15", "Ada", "203.0", "T-Mob") if each in text]


def test_nothing_is_kept_that_is_not_declared() -> None:
    context = PHONE | {"location": BERLIN, "locale": "de-DE"}
    assert after((context, START), rules=NOTHING_KEPT) == {"seq": 1}
    only_names = ContextRules({PLACE: Part(("service",), MONTH, None, ("country",))})
    profile = after((context, START), rules=only_names)
    assert json.loads(profile["place"]) == {"country": "Germany", "at": "2026-11-24T12:00:00.000Z"}
    assert profile.keys() == {"seq", "place"}


def test_what_is_declared_no_more_is_hidden_at_once_and_gone_with_the_next_event() -> None:
    profile = after(({"location": BERLIN, "locale": "de-DE"}, START))
    assert part_of(profile, PLACE, NOTHING_KEPT, START) is None
    assert after(({}, START), rules=NOTHING_KEPT, profile=profile) == {"seq": 1}


def test_what_is_declared_coarser_is_seen_coarser_at_once() -> None:
    profile = after(({"location": BERLIN}, START))
    coarser = ContextRules({PLACE: Part(("service",), MONTH, 100.0, ("country",))})
    seen = place(profile, rules=coarser)
    assert seen.keys() == {"latitude", "longitude", "country", "at"}
    assert (seen["latitude"], seen["longitude"]) != (52.52031, 13.41243)
    again = after(({}, START), rules=coarser, profile=profile)
    assert place(again, rules=coarser) == seen
    assert "52.520" not in again["place"]
    assert "Berlin" not in again["place"]


def test_what_is_too_old_is_not_seen_and_gone_with_the_next_event() -> None:
    profile = after(({"location": BERLIN}, START))
    last = START + MONTH - timedelta(milliseconds=1)
    assert place(profile, last)
    assert place(profile, START + MONTH) is None
    assert "place" in after(({}, last), profile=profile)
    assert "place" not in after(({}, START + MONTH), profile=profile)


def test_old_event_that_comes_late_leaves_nothing() -> None:
    assert after(({"location": BERLIN}, START), now=START + MONTH) == {"seq": 1}


@pytest.mark.parametrize(
    "location",
    [
        {"latitude": 91, "longitude": 13.4},
        {"latitude": 52.5, "longitude": 180.5},
        {"latitude": float("nan"), "longitude": 13.4},
        {"latitude": float("inf"), "longitude": 13.4},
        {"latitude": 10**400, "longitude": 13.4},
        {"latitude": True, "longitude": 13.4},
        {"latitude": "52.5", "longitude": "13.4"},
        {"latitude": 52.5},
        {"city": "x" * 101, "country": 49, "region": " "},
        {"city": "\ud800"},
        {"city": "Ber\x00lin"},
        {"city": {"name": "Berlin"}},
        ["52.5", "13.4"],
        "Berlin",
        None,
    ],
)
def test_what_cannot_be_right_is_not_said(location: object) -> None:
    before = after(({"location": BERLIN}, START))
    later = START + timedelta(hours=1)
    assert after(({"location": location}, later), profile=before) == before


def test_coordinates_that_cannot_be_right_leave_the_names() -> None:
    profile = after(({"location": {"latitude": 99, "longitude": 1, "city": " Berlin "}}, START))
    assert place(profile) == {"city": "Berlin", "at": START}


def test_server_that_names_its_app_is_no_device() -> None:
    assert after(({"app": {"name": "Backend"}, "network": {"wifi": True}}, START)) == {"seq": 1}


@pytest.mark.parametrize(
    ("locale", "known"),
    [("de-DE", True), ("zh_Hans_CN", True), ("x", False), ("de DE", False), ("a" * 99, False)],
)
def test_locale_is_a_language_tag(locale: str, known: bool) -> None:
    found = part_of(after(({"locale": locale}, START)), LOCALE, RULES, START)
    assert found == (locale if known else None)


CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "location": st.fixed_dictionaries(
            {},
            optional={
                "latitude": st.floats(-95, 95) | st.sampled_from([52.5, 52.500001]),
                "longitude": st.floats(-185, 185) | st.sampled_from([13.4, 13.400001]),
                "city": st.sampled_from(["Berlin", "Köln", "", "x" * 200]),
            },
        ),
        "device": st.fixed_dictionaries({"type": st.sampled_from(["ios", "android", 7])}),
        "locale": st.sampled_from(["de", "en-GB", "not a locale"]),
    },
)
SAID = st.tuples(CONTEXTS, st.integers(0, 3).map(lambda days: START + timedelta(days=days)))


@given(st.lists(SAID, max_size=6), st.data())
def test_late_and_duplicate_events_change_nothing(
    said: list[tuple[dict[str, Any], datetime]], data: st.DataObject
) -> None:
    shuffled = data.draw(
        st.permutations(said + data.draw(st.lists(st.sampled_from(said))) if said else said)
    )
    now = START + timedelta(days=4)
    assert after(*said, now=now) == after(*shuffled, now=now)


@given(st.lists(SAID, max_size=5), st.lists(SAID, max_size=5))
def test_joined_customers_know_what_one_customer_with_their_events_does(
    ours: list[tuple[dict[str, Any], datetime]], theirs: list[tuple[dict[str, Any], datetime]]
) -> None:
    now = START + timedelta(days=4)
    one, other = after(*ours, now=now), after(*theirs, now=now)
    together = {"seq": 1} | newer_context(one, other)
    assert together == after(*ours, *theirs, now=now)
    assert newer_context(one, other) == newer_context(other, one)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["location", "device", "os", "app", "network", "locale", "latitude", "longitude",
                 "city", "type", "name", "version", "wifi"]
            ),
            inner,
            max_size=6,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_hostile_context_is_bounded(anything: Any) -> None:
    context = anything if isinstance(anything, dict) else {"location": anything, "os": anything}
    profile = after((context, START))
    for name, attribute in PARTS.items():
        text = profile.get(attribute, "")
        assert len(text.encode()) < 4_000  # also says that UTF-8 can write it
        assert not re.search("NaN|Infinity", text)
        assert (part_of(profile, name, RULES, START) is not None) == bool(text)
