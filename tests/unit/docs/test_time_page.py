"""Every row of the tables in docs/time.md is what the rules say."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path

import pytest

from stepwell.journeys.compiler.documents import WEEKDAYS
from stepwell.journeys.compiler.durations import offset_of
from stepwell.journeys.dates import Offset, moment_of
from stepwell.journeys.local_time import next_local_time
from stepwell.messages.policies import QuietHours
from stepwell.messages.quiet_hours import next_allowed
from tests.support import clocks

Row = dict[str, str]


def _rows() -> list[Row]:
    """Of all tables, each by the names of its columns."""
    found: list[Row] = []
    head: list[str] = []
    for line in Path("docs/time.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif not line.startswith("|--"):
            found.append(dict(zip(head, cells, strict=True)))
    return found


UNTIL = [row for row in _rows() if "until" in row]
DATES = [row for row in _rows() if "date" in row]
QUIET = [row for row in _rows() if "quiet" in row]


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M %z")


def test_all_tables_are_read() -> None:
    assert len(UNTIL) >= 10
    assert len(DATES) >= 15
    assert len(QUIET) >= 8


@pytest.mark.parametrize("row", UNTIL, ids=lambda row: f"{row['zones']} {row['now']}")
def test_until_a_local_time(row: Row) -> None:
    zones = clocks.zones(row["zones"].split(", "))
    days = {WEEKDAYS.index(each) + 1 for each in row["weekdays"].split(", ") if each != "any"}
    now, expected = _moment(row["now"]), _moment(row["goes on"])
    _is_shown(now, row)
    _is_shown(expected, row)
    assert next_local_time(now, time.fromisoformat(row["until"]), days, zones) == expected


@pytest.mark.parametrize("row", DATES, ids=lambda row: " ".join([*row.values()][:4]))
def test_until_a_date(row: Row) -> None:
    zones = clocks.zones(row["zones"].split(", "))
    offset = offset_of(row["offset"]) if row["offset"] else Offset()
    at = time.fromisoformat(row["at"]) if row["at"] else None
    expected = _moment(row["goes on"])
    _is_shown(expected, row)
    assert moment_of(row["date"], offset, at, zones) == expected


@pytest.mark.parametrize("row", QUIET, ids=lambda row: f"{row['zones']} {row['now']}")
def test_quiet_hours(row: Row) -> None:
    start, _, end = row["quiet"].partition(" to ")
    window = QuietHours(("any",), ("sms",), time.fromisoformat(start), time.fromisoformat(end))
    found = next_allowed(_moment(row["now"]), [window], clocks.zones(row["zones"].split(", ")))
    expected = None if row["may be sent"] == "suppressed" else _moment(row["may be sent"])
    assert found == expected
    if expected:
        _is_shown(expected, row)


def _is_shown(moment: datetime, row: Row) -> None:
    """The page writes it as the first zone's clocks show it."""
    zone = clocks.zone(row["zones"].split(", ")[0])
    assert moment.astimezone(zone).utcoffset() == moment.utcoffset()
