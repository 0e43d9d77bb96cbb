"""Events, timers, sends, exits and joins, interleaved call by call, with crashes and repeats."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from tests.interleavings.baton import Interruption, What
from tests.interleavings.cases import (
    START,
    THEMES,
    Case,
    cases,
    definitions,
    read_case,
    sign_up,
)
from tests.interleavings.invariants import check
from tests.interleavings.stage import InterleavedStage

KEPT = sorted((Path(__file__).parent / "kept").glob("*.json"))


def play(case: Case) -> InterleavedStage:
    stage = InterleavedStage(definitions(), START - timedelta(hours=1), case.schedule)
    people = {each.who for each in case.events} - {"both"}
    for number, who in enumerate(sorted(people)):
        stage.schedule(*sign_up(number, who))
    for number, each in enumerate(case.events):
        stage.schedule(*each.event(number))
    stage.run()
    check(stage, len(case.events) + len(people))
    return stage


@pytest.mark.parametrize("theme", range(len(THEMES)))
@pytest.mark.parametrize("what", What, ids=lambda what: what.name)
def test_one_interruption_at_any_call_comes_right(what: What, theme: int) -> None:
    """Every place at which there is something to interrupt."""
    others = range(3) if what is What.SWITCH else range(1)
    for which in others:
        for after in range(1_000):
            stage = play(Case(THEMES[theme], (Interruption(after, what, which),)))
            if not stage.baton.happened:
                break
        # One journey alone has nobody to switch to.
        assert after > 10 or what is What.SWITCH


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_whatever_is_interrupted_comes_right(case: Case) -> None:
    note(json.dumps(case.document()))
    play(case)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_case_comes_right(path: Path) -> None:
    play(read_case(json.loads(path.read_text())))
