"""The simulator says what moto does: for generated journeys, policies and timelines, all of it.

Cases are generated in batches, each with a seed of its own. Some batches run with the other tests,
always the same ones. `make agreement` runs many new ones and prints the seed; what it finds is
printed as YAML, to be put into `kept/`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, event, given, note, seed, settings

from tests.agreement.cases import Case
from tests.agreement.on_moto import play_on_moto
from tests.agreement.on_simulation import play_on_simulator
from tests.agreement.telling import Story, differences
from tests.agreement.timelines import cases

SEED = int(os.environ.get("AGREEMENT_SEED", "0"))
BATCHES = settings().max_examples // 50
BATCH = 10
"""Cases in a batch: Hypothesis makes these anew, later ones mostly of parts of earlier ones."""

_few = settings(
    max_examples=BATCH,
    database=None,
    phases=[Phase.generate, *([Phase.shrink] if SEED else [])],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_simulator_agrees_with_moto(batch: int) -> None:
    seed(SEED * 1_000 + batch)(_few(given(cases())(check_agreement)))()


def check_agreement(case: Case) -> None:
    note(case.as_yaml())
    moto = play_on_moto(case)
    _count(moto)
    different = differences(moto, play_on_simulator(case))
    assert not different, different
    different = differences(moto, play_on_simulator(case, step_by_step=True))
    assert not different, f"when events are sent one by one:\n{different}"


def _count(story: Story) -> None:
    """What the cases were about, for `--hypothesis-show-statistics`."""
    for status in {told.status for told in story.executions} or {"no execution"}:
        event(f"execution {status}")
    event(f"{sum(' MERGED#' in name for name in story.items)} customers became another")
    decisions = [item for name, item in story.items.items() if " DECISION#" in name]
    for decision in {f"{each['outcome']}: {each['reason']}" for each in decisions}:
        event(f"decision {decision}")
    for record in (item for name, item in story.items.items() if " HAND_OVER#" in name):
        event(f"hand-over {record['outcome']}: {record.get('failure', '')}")
    for _, state in {entered for told in story.executions for entered in told.states}:
        event(f"state …: {state.partition(': ')[2] or '(the step itself)'}")
