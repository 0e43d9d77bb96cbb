"""`park_waits_over`: which waits are parked, what that adds to the machine, and what it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.customers.legs import legs_machine
from stepwell.customers.snapshot import Snapshot
from stepwell.journeys.compiler.compilation import Compiled, compile_journey
from stepwell.journeys.compiler.later_legs import legs_of
from stepwell.journeys.compiler.names import LONGEST_JOURNEY_NAME
from stepwell.journeys.compiler.structure import faults
from stepwell.journeys.compiler.transitions import transitions
from stepwell.journeys.planning import plan
from stepwell.journeys.program import canonical, load_program
from tests.support.journey_projects import found_in, only_subject, write_project

NOW = datetime(2026, 11, 24, 21, 14, 0, 250_000, tzinfo=UTC)
STEPS = """\
steps:
  - delay: {name: A week, for: 7d}
  - delay: {name: Eight days, for: 8d}
  - message: {name: Hello, channels: [sms], template: hello}
  - delay: {name: Renewal, until: {date: customer.traits.renews}}
  - delay: {name: Morning, until: "09:00 local"}
"""
HEAD = "journey: greeting\npurpose: service\nentry: {event: Began}\n"


def _compiled(tmp_path: Path, setting: str = "park_waits_over: 7d\n") -> Compiled:
    folder = tmp_path / (setting or "none").strip().replace(": ", "-")
    return compile_journey(
        only_subject(write_project(folder, {"greeting": HEAD + setting + STEPS}))
    )


def _states(compiled: Compiled) -> dict[str, Any]:
    found: dict[str, Any] = compiled.machine["States"]
    return found


def test_waits_that_are_longer_are_parked_and_no_others(tmp_path: Path) -> None:
    compiled = _compiled(tmp_path)
    parked = {name for name in _states(compiled) if name.endswith(": parked")}
    assert parked == {"Eight days: parked", "Renewal: parked"}
    assert _states(compiled)["A week"]["Type"] == "Wait"
    assert faults(compiled.machine) == []


def test_without_the_setting_nothing_is_different(tmp_path: Path) -> None:
    plain = _compiled(tmp_path, setting="")
    assert legs_of(plain.machine) is None
    assert "scheduler" not in plain.machine_text()
    text = canonical(plain.program)
    assert not any(word in text for word in ("park", "long_delay"))
    assert _compiled(tmp_path).version != plain.version


def test_the_native_wait_is_there_for_the_day_on_which_no_alarm_can_be_set(tmp_path: Path) -> None:
    states = _states(_compiled(tmp_path))
    *_, last = states["Eight days: set the alarm"]["Catch"]
    assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "Eight days")
    assert states["Eight days"]["TimestampPath"] == "$.plan.until"
    taken = states["Eight days: set the alarm"]["Catch"][0]
    assert (taken["ErrorEquals"], taken["Next"]) == (
        ["Scheduler.ConflictException"],
        "Eight days: parked",
    )


def test_later_legs_begin_behind_the_wait(tmp_path: Path) -> None:
    legs = legs_of(_compiled(tmp_path).machine)
    assert legs is not None
    assert faults(legs) == []
    start = legs["States"][legs["StartAt"]]
    ways = {rule["StringEquals"]: rule["Next"] for rule in start["Choices"]}
    assert ways == {"eight_days": "Hello", "renewal": "Morning: find the time"}
    assert start["Default"] == "Failed"
    assert "A week" not in legs["States"]


def test_what_parking_costs_in_transitions(tmp_path: Path) -> None:
    """Three more for a duration, two more for a date, of which one is the next leg's first."""
    parked, plain = _compiled(tmp_path), _compiled(tmp_path, setting="")
    legs = legs_of(parked.machine)
    assert legs is not None
    native = transitions(plain.machine, "Eight days", "Hello")
    first = transitions(parked.machine, "Eight days: find the time", "Eight days: parked") + 1
    assert first + transitions(legs, None, "Hello") == native + 3
    to_date = "Renewal: find the time"
    native = transitions(plain.machine, to_date, "Morning: find the time")
    first = transitions(parked.machine, to_date, "Renewal: parked") + 1
    assert first + transitions(legs, None, "Morning: find the time") == native + 2


@pytest.mark.parametrize("text", ["23h", "0d", "soon", "-8d"])
def test_a_limit_under_a_day_or_none_at_all_is_refused(tmp_path: Path, text: str) -> None:
    journey = f"{HEAD}park_waits_over: {text}\n{STEPS}"
    (problem,) = found_in(write_project(tmp_path, {"greeting": journey}))
    assert (problem.code, problem.place.line) == ("SW105", 4)


def test_alarms_ring_at_whole_seconds_and_never_too_early(tmp_path: Path) -> None:
    program = load_program(canonical(_compiled(tmp_path).program))
    answer = plan(program, "eight_days", **_asked())
    assert answer == {"until": "2026-12-02T21:14:00.250Z", "at": "2026-12-02T21:14:01"}


@pytest.mark.parametrize(
    ("renews", "parks", "at"),
    [
        ("2026-12-24T09:00:00Z", "yes", "2026-12-24T09:00:00"),
        ("2026-12-01T21:14:01Z", "yes", "2026-12-01T21:14:01"),
        ("2026-12-01T21:14:00Z", "no", "2026-12-01T21:14:00"),
        ("2026-11-25T09:00:00Z", "no", "2026-11-25T09:00:00"),
        ("1999-12-31", "no", "2026-11-24T21:14:01"),
        ("soon", "no", "2026-11-24T21:14:01"),
    ],
)
def test_a_date_is_waited_for_as_its_distance_says(
    tmp_path: Path, renews: str, parks: str, at: str
) -> None:
    program = load_program(canonical(_compiled(tmp_path).program))
    answer = plan(program, "renewal", **_asked(renews))
    assert (answer["park"], answer["at"]) == (parks, at)


def test_the_longest_names_fit_into_what_a_machine_is_called() -> None:
    name = legs_machine("j" * LONGEST_JOURNEY_NAME, "0123456789abcdef" * 2)
    assert len(f"stepwell-local-{name}") == 80


def _asked(renews: str = "") -> dict[str, Any]:
    began = NOW - timedelta(days=1)
    event = '{"id": "e", "name": "Began", "type": "track", "timestamp": "2026-11-23T21:14:00.000Z"'
    item = {
        "entered_at": began.isoformat().replace("+00:00", "Z"),
        "entry_event": event + ', "properties": {}}',
    }
    profile = {"seq": 1, "traits": f'{{"renews": "{renews}"}}'}
    return {
        "enrollment_id": "greeting#one",
        "snapshot": Snapshot("c1", profile, enrollments={"greeting#one": item}),
        "default_zone": None,
        "now": NOW,
    }
