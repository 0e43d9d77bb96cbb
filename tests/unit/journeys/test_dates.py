"""A journey's delay until a date: what the date means, and what is answered when there is none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from stepwell.customers.snapshot import Snapshot
from stepwell.customers.zones import load_zone
from stepwell.journeys.compiler.durations import offset_of
from stepwell.journeys.dates import DateError, Offset, described, moment_of, read_date
from stepwell.journeys.planning import plan
from tests.support.programs import path, program

LONDON, NEW_YORK, TOKYO = (
    zone
    for name in ("Europe/London", "America/New_York", "Asia/Tokyo")
    if (zone := load_zone(name)) is not None
)
NOTHING = Offset()
LIKE = "2027-01-31 or 2027-01-31T18:30:00Z"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


Step = dict[str, Any]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2028-02-29", date(2028, 2, 29)),
        ("2027-01-31T18:30", datetime(2027, 1, 31, 18, 30)),  # noqa: DTZ001 - has no zone
        ("2027-01-31 18:30:15", datetime(2027, 1, 31, 18, 30, 15)),  # noqa: DTZ001 - likewise
        ("2027-01-31T18:30:00Z", utc(2027, 1, 31, 18, 30)),
        ("2027-01-31T18:30:00.000+02:00", utc(2027, 1, 31, 16, 30)),
        ("2027-01-31T18:30:00.123456789Z", utc(2027, 1, 31, 18, 30, 0, 123_456)),
        (NOON, NOON),
    ],
)
def test_a_date_a_local_time_and_a_moment_are_told_apart(text: object, found: date) -> None:
    assert read_date(text) == found
    assert type(read_date(text)) is type(found)


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2027-02-29", "2027-13-01", "31.01.2027", "01/31/2027", "20270131",
        "2027-W05-1", "2027-1-31", " 2027-01-31", "2027-01-31\n", "2027-01-31T",
        "2027-01-31T25:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31T18", "0000-00-00",
        "2027-01-31T18:30:00 Z", "0001-01-01T00:00:00+14:00", "\u0662027-01-31",
    ],
)  # fmt: skip
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(DateError, match=r"^is no date like 2027-01-31 "):
        read_date(text)


@pytest.mark.parametrize("given", [None, True, 1.8e9, [], {"date": "2027-01-31"}])
def test_other_values_are_no_dates(given: object) -> None:
    with pytest.raises(DateError, match=r"^is [a-z]+, not a date$"):
        read_date(given)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("-60d", Offset(days=-60)),
        ("+1mo", Offset(months=1)),
        ("2w", Offset(days=14)),
        ("-1mo1w1d", Offset(months=-1, days=-8)),
        ("36h", Offset(seconds=129_600)),
        ("-1d12h30m5s", Offset(days=-1, seconds=-45_005)),
        ("1m", Offset(seconds=60)),
        ("120mo", Offset(months=120)),
    ],
)
def test_offsets_are_read(text: str, offset: Offset) -> None:
    assert offset_of(text) == offset


@pytest.mark.parametrize(
    "text", ["", "-", "60", "- 60d", "--1d", "1d1mo", "1y", "-0d", "3661d", "121mo", "87841h", 3]
)
def test_other_offsets_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"offset|moves nothing|ten years"):
        offset_of(text)


def test_a_delay_in_words() -> None:
    assert described("customer.traits.x", offset_of("-1mo8d"), "09:00") == (
        "until customer.traits.x -1mo8d, 09:00 local"
    )
    assert described("a ||\n  b", offset_of("26h61s"), None) == "until a || b +26h1m1s"
    assert described("now", NOTHING, None) == "until now"


# ---------------------------------------------------------------- what it means


@pytest.mark.parametrize(
    ("given", "offset", "found"),
    [
        ("2027-01-31", "+1mo", date(2027, 2, 28)),
        ("2028-01-31", "+1mo", date(2028, 2, 29)),
        ("2028-02-29", "+12mo", date(2029, 2, 28)),
        ("2028-02-29", "-12mo", date(2027, 2, 28)),
        ("2027-03-31", "-1mo", date(2027, 2, 28)),
        ("2027-01-15", "-1mo", date(2026, 12, 15)),
        ("2026-12-31", "+2mo", date(2027, 2, 28)),
        ("2027-01-31", "+1mo1d", date(2027, 3, 1)),
        ("2028-03-01", "-1d", date(2028, 2, 29)),
        ("2027-05-27", "-60d", date(2027, 3, 28)),
    ],
)
def test_months_keep_the_day_or_take_the_last(given: str, offset: str, found: date) -> None:
    expected = datetime.combine(found, time(9), tzinfo=LONDON)
    assert moment_of(given, offset_of(offset), time(9), [LONDON]) == expected


def test_a_moment_is_moved_by_time_that_passes_and_a_date_on_the_calendar() -> None:
    # London's clocks go forward on 28 March 2027
    day = offset_of("-1d")
    assert moment_of("2027-03-28T12:00:00Z", day, None, [LONDON]) == utc(2027, 3, 27, 12)
    assert moment_of("2027-03-29", day, None, [LONDON]) == utc(2027, 3, 28)
    assert moment_of("2027-03-28T13:00", day, None, [LONDON]) == utc(2027, 3, 27, 13)
    assert moment_of("2027-03-28T13:00", offset_of("-24h"), None, [LONDON]) == utc(2027, 3, 27, 12)
    assert moment_of("2027-03-28T12:00:00Z", day, time(13), [LONDON]) == utc(2027, 3, 27, 13)


def test_a_moment_has_the_date_of_the_customers_zone() -> None:
    midnight = "2027-06-01T00:00:00.000Z"
    assert moment_of(midnight, NOTHING, time(9), [NEW_YORK]) == utc(2027, 5, 31, 13)
    assert moment_of(midnight, NOTHING, time(9), [TOKYO]) == utc(2027, 6, 1)
    assert moment_of(midnight, NOTHING, time(9), [TOKYO, NEW_YORK]) == utc(2027, 6, 1, 13)


def test_with_several_zones_it_has_come_in_all_and_without_any_it_is_utc() -> None:
    zones = [TOKYO, LONDON, NEW_YORK]
    assert moment_of("2027-01-31", NOTHING, time(9), zones) == utc(2027, 1, 31, 14)
    assert moment_of("2027-01-31", NOTHING, None, zones) == utc(2027, 1, 31, 5)
    assert moment_of("2027-01-31T18:30", NOTHING, None, zones) == utc(2027, 1, 31, 23, 30)
    assert moment_of("2027-01-31T18:30:00Z", NOTHING, None, zones) == utc(2027, 1, 31, 18, 30)
    assert moment_of("2027-01-31", NOTHING, time(9), []) == utc(2027, 1, 31, 9)


def test_it_is_never_a_part_of_a_second_too_early() -> None:
    assert moment_of("2027-01-31T18:30:00.001Z", NOTHING, None, []) == utc(2027, 1, 31, 18, 30, 1)


@pytest.mark.parametrize(
    ("given", "offset"),
    [
        ("0001-01-01", "-1d"),
        ("0001-01-01", "-1mo"),
        ("9999-12-31", "+1d"),
        ("9999-12-31", "+1mo"),
        ("9999-12-31T23:00:00Z", "+1d"),
        ("9999-12-31", "+48h"),
    ],
)
def test_what_no_calendar_has_is_said(given: str, offset: str) -> None:
    with pytest.raises(DateError, match="beyond all calendars"):
        moment_of(given, offset_of(offset), None, [NEW_YORK])


# ---------------------------------------------------------------- what is planned


def planned(renewal: object = None, *, now: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """The plan for 60 days before the trait `renewal`, at 09:00 in London."""
    step = {
        "kind": "date_delay",
        "id": "sixty_days",
        "name": "Sixty days before",
        "date": path("customer", "traits", "renewal"),
        "text": "customer.traits.renewal",
        "offset": {"months": 0, "days": -60, "seconds": 0},
        "time": "09:00",
        "latest_seconds": 365 * 86_400,
    }
    traits = {} if renewal is None else {"renewal": renewal}
    began = {"id": "e", "name": "Started", "type": "track", "properties": {}}
    enrollment = {
        "entered_at": "2026-11-24T12:00:00.000Z",
        "entry_event": json.dumps(began | {"timestamp": "2026-11-24T11:00:00.000Z"}),
    }
    profile = {"seq": 1, "zone": "Europe/London", "traits": json.dumps(traits)}
    return plan(
        program(first=None, steps=[step | changes]),
        "sixty_days",
        enrollment_id="cart#1",
        snapshot=Snapshot("c", profile=profile, enrollments={"cart#1": enrollment}),
        default_zone=None,
        now=now,
    )


def until(moment: str) -> dict[str, Any]:
    return {"until": moment, "problem": "", "problems": []}


def test_the_plan_is_the_moment() -> None:
    assert planned("2027-05-27") == until("2027-03-28T08:00:00.000Z")
    assert planned("2027-05-27", time=None) == until("2027-03-28T00:00:00.000Z")


def test_a_date_that_is_past_does_not_wait() -> None:
    assert planned("2026-12-01") == until("2026-11-24T12:00:00.000Z")
    assert planned("1815-12-10") == until("2026-11-24T12:00:00.000Z")


@pytest.mark.parametrize(
    ("renewal", "said"),
    [
        (None, "sixty_days: customer.traits.renewal: no such key"),
        (
            "next year",
            f"sixty_days: customer.traits.renewal is no date like {LIKE}",
        ),
        (1.8e9, "sixty_days: customer.traits.renewal is double, not a date"),
        ("0001-01-02", "sixty_days: customer.traits.renewal is beyond all calendars"),
        (
            "2028-02-01",
            "sixty_days: customer.traits.renewal is too far ahead: a journey lasts a year at most",
        ),
    ],
)
def test_without_a_date_the_problem_names_the_property_and_not_its_value(
    renewal: object, said: str
) -> None:
    assert planned(renewal) == {"until": "", "problem": said, "problems": [said]}


def test_the_year_begins_with_the_entry_and_has_to_hold_what_follows() -> None:
    last = utc(2027, 11, 24, 12)
    week = timedelta(days=7)
    plain: Step = {"offset": {"months": 0, "days": 0, "seconds": 0}, "time": None}

    def problem(moment: datetime, **more: Any) -> str:
        return str(planned(moment.isoformat(), **plain | more)["problem"])

    assert problem(last) == ""
    assert "too far ahead" in problem(last + timedelta(seconds=1))
    assert "too far ahead" in problem(last, latest_seconds=358 * 86_400)
    assert problem(last - week, latest_seconds=358 * 86_400) == ""
    assert "too far ahead" in problem(last + week, now=NOON + 2 * week)  # not a year from now
    assert problem(last + timedelta(seconds=1), now=last + timedelta(seconds=2)) == ""  # past


def test_a_date_of_the_entry_event_or_a_calculated_one() -> None:
    entry = path("enrollment", "event", "timestamp")
    plain: Step = {"offset": {"months": 0, "days": 1, "seconds": 0}, "time": None}
    assert planned(date=entry, **plain) == until("2026-11-25T11:00:00.000Z")
    assert planned(date=["name", "now"], **plain | {"time": "09:00"}) == until(
        "2026-11-25T09:00:00.000Z"
    )
