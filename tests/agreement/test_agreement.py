"""The simulator says what moto does: for generated journeys, policies and timelines, all of it.

A share of the profile's cases runs with the other tests, always the same ones. `make agreement`
runs many new ones and prints the seed; what it finds is printed as YAML, to be put into `kept/`.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, event, given, note, settings

from tests.agreement.cases import Case
from tests.agreement.on_moto import play_on_moto
from tests.agreement.on_simulation import play_on_simulator
from tests.agreement.telling import Story, differences
from tests.agreement.timelines import cases

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


@settings(
    max_examples=settings().max_examples // (5 if NIGHTLY else 7),
    derandomize=not NIGHTLY,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases())
def test_the_simulator_agrees_with_moto(case: Case) -> None:
    note(case.as_yaml())
    moto = play_on_moto(case)
    _count(moto)
    different = differences(moto, play_on_simulator(case))
    assert not different, different


def _count(story: Story) -> None:
    """What the cases were about, for `--hypothesis-show-statistics`."""
    entered = {name for told in story.executions for _, name in told.states}
    decisions = [item for name, item in story.items.items() if " DECISION#" in name]
    for status in {told.status for told in story.executions} or {"no execution"}:
        event(f"execution {status}")
    for decision in {f"{each['outcome']}: {each['reason']}" for each in decisions}:
        event(f"decision {decision}")
    for name in entered:
        _, colon, detail = name.partition(": ")
        event(f"state …: {detail}" if colon else "state of a step")
