"""The sweep in the simulator: at the moments at which somebody is due, and never for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.events.model import Event
from stepwell.events.told import SEGMENT_LEFT, TIME_PASSED
from stepwell.simulation import engine
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from tests.agreement.cases import definitions_of, read_case
from tests.support.world import START, event

CASE = Path(__file__).parents[2] / "agreement/kept/segments_that_time_changes.yaml"
COMPUTED = {
    "last_bought": {"kind": "last", "event": "Bought"},
    "days": {"kind": "days_since", "event": "Bought"},
}
RECENT = {"recent": {"when": 'now - customer.computed.last_bought < duration("72h")'}}
ALTERNATING = {
    "first_day": {"when": "customer.computed.days == 1.0"},
    "later": {"when": "customer.computed.days * 1.0 >= 2.0 && customer.computed.days < 1000.0"},
}
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def project(segments: dict[str, dict[str, str]]) -> Definitions:
    case = read_case(CASE.read_text(encoding="utf-8"))
    profile = {"computed": COMPUTED, "segments": segments}
    journey = {
        "journey": "alpha",
        "purpose": "marketing",
        "entry": {"event": "Began", "key": "event.properties.id"},
        "steps": [{"delay": {"name": "Four days", "for": "4d"}}],
    }
    return definitions_of(replace(case, journeys={"alpha": journey}, profile=profile))


def bought(user: str) -> Event:
    return event("Bought", number=user, user_id=user, properties={"revenue": 10.0})


def names(simulation: Simulation) -> Counter[str]:
    return Counter(each.event.name for each in simulation.trace.applied)


def test_thousands_who_leave_at_once_are_swept_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "AT_MOST", 900)
    simulation = Simulation(project(RECENT), START)
    for number in range(2_000):
        simulation.send(bought(f"u{number}"))
    simulation.run(START + 4 * DAY)
    swept = Counter(e.at for e in simulation.trace.applied if e.event.name == TIME_PASSED)
    first = START + 3 * DAY + MINUTE
    runs = [first + run * 5 * MINUTE for run in range(3)]
    assert swept == dict(zip(runs, (900, 900, 200), strict=True))
    assert names(simulation)[SEGMENT_LEFT] == 2_000


def test_time_goes_on_to_a_sweep_only_while_something_else_is_to_come() -> None:
    simulation = Simulation(project(RECENT), START)
    simulation.send(bought("ada"))
    assert simulation.waiting() is None
    simulation.run()
    assert (simulation.now, names(simulation)[TIME_PASSED]) == (START, 0)
    simulation.send(event("Began", user_id="ada", properties={"id": "one"}))
    assert simulation.waiting() == START + 3 * DAY + MINUTE
    simulation.run()
    assert simulation.now == START + 4 * DAY
    assert names(simulation)[SEGMENT_LEFT] == 1


def test_who_is_due_for_ever_does_not_keep_a_simulation_going() -> None:
    simulation = Simulation(project(ALTERNATING), START)
    simulation.send(bought("ada"))
    simulation.send(event("Began", user_id="ada", properties={"id": "one"}))
    simulation.run()
    assert simulation.now == START + 4 * DAY
    assert names(simulation)[TIME_PASSED] == 3, "a day each"
    simulation.run(START + 10 * DAY)
    assert names(simulation)[TIME_PASSED] == 9
    assert simulation.now == START + 10 * DAY


def test_nobody_due_is_not_swept() -> None:
    simulation = Simulation(project(RECENT), START)
    simulation.send(event("Left", user_id="ada"))
    simulation.run(START + 30 * DAY)
    assert names(simulation) == {"Left": 1}
