"""A duration is time that passes: in the compiled journey too, over every change of the clocks."""

from __future__ import annotations

import shutil
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.events.model import Event, EventType
from stepwell.journeys.compiler.durations import seconds_of, text_of
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from tests.support import clocks
from tests.support.clocks import moment_of
from tests.support.journey_projects import write_project

JOURNEY = """\
journey: waits
purpose: marketing
entry: {event: Began}
steps:
  - delay: {name: A day, for: 1d}
  - hold: {name: Half a day, for: 12h, until: [{event: Acted, then: exit}]}
  - delay: {name: Until 02:30, until: "02:30 local"}
  - delay: {name: A minute, for: 1m}
"""


@pytest.fixture(scope="module")
def waits(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    root = write_project(tmp_path_factory.mktemp("waits"), {"waits": JOURNEY}, templates={})
    shutil.copy("statemachines/send_message.asl.json", root / "statemachines")
    return read_definitions(root)


def ended(definitions: Definitions, zone: str, start: datetime) -> dict[str, datetime]:
    """When each state of a customer of the zone was entered first, who comes at `start`."""
    simulation = Simulation(definitions, start)
    for kind, name in ((EventType.IDENTIFY, ""), (EventType.TRACK, "Began")):
        traits = {} if name else {"timezone": zone}
        event = Event(
            id=f"event-{name}",
            source="shop",
            type=kind,
            name=name,
            user_id="ada",
            anonymous_id=None,
            properties={},
            traits=traits,
            context={},
            timestamp=start,
            received_at=start,
        )
        simulation.send(event)
    simulation.run()
    (run,) = simulation.trace.runs.values()
    found: dict[str, datetime] = {}
    for at, state in run.states:
        found.setdefault(state, at)
    return found


CHANGING = st.sampled_from([each for each in clocks.ODD if clocks.changes(each)])


@settings(max_examples=settings().max_examples // 2)
@given(st.data())
def test_delays_and_holds_last_as_long_over_a_change_as_ever(
    waits: Definitions, data: st.DataObject
) -> None:
    """And a wait for 02:30 behind them goes by the clock."""
    zone = data.draw(CHANGING)
    change = data.draw(st.sampled_from(clocks.changes(zone)))
    start = moment_of(change.at + data.draw(st.integers(-60 * 60, 60)))
    entered = ended(waits, zone, start)
    held = start + timedelta(days=1)
    planned = held + timedelta(hours=12)
    assert entered["A day"] == start
    assert entered["Half a day"] == held
    assert entered["Until 02:30: find the time"] == planned
    at = entered["A minute"]
    set_back = timedelta(minutes=max(0, change.before - change.after))  # by three hours at Casey
    assert planned < at <= planned + timedelta(days=1) + set_back
    days = clocks.days_from(clocks.minute(planned) - clocks.DAY, 4)
    wanted = [clocks.wall(day, time(2, 30)) for day in days]
    assert clocks.minute(at) in {clocks.coming_of(zone, each) for each in wanted}


@given(st.integers(1, 400 * 86_400))
def test_a_duration_is_read_as_it_is_written(seconds: int) -> None:
    assert seconds_of(text_of(seconds)) == seconds
