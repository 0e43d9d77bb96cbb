"""From states to steps: where runs went, and how long they stayed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from stepwell.simulation.report.counts import JourneyTally
from stepwell.simulation.report.graph import COMPLETED, graph_of
from stepwell.simulation.report.paths import START, count_run, ending_of, steps_of
from stepwell.simulation.trace import Run, Status
from tests.support.simulations import shipped

BEGAN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOLD, NUDGE = "Wait for the first action", "First nudge"
MACHINE = shipped().machines["onboarding"]
STEPS = steps_of(MACHINE)


def run_of(*states: tuple[int, str], ended: int | None = None) -> Run:
    """Seconds since the beginning, and the state."""
    entered = [(BEGAN + timedelta(seconds=at), state) for at, state in states]
    end = None if ended is None else BEGAN + timedelta(seconds=ended)
    return Run("e1", "onboarding", "c1", "onboarding#one", 1, BEGAN, entered, ended=end)


def counted(run: Run, ending: str = "completed") -> JourneyTally:
    tally = JourneyTally()
    count_run(run, STEPS, ending, BEGAN + timedelta(days=30), tally)
    return tally


def test_states_belong_to_their_steps() -> None:
    assert STEPS[f"{NUDGE}: until it may go"] == NUDGE
    assert STEPS[f"{HOLD}: time is up"] == HOLD
    assert "Journey completed" not in STEPS
    assert "Left" not in STEPS


def test_a_state_named_like_a_suffix_is_a_step_when_nothing_stands_before_it() -> None:
    states = {"Alone: deferred": {"Type": "Wait"}, "Left": {"Type": "Succeed"}}
    assert steps_of({"States": states}) == {"Alone: deferred": "Alone: deferred"}


def test_waiting_for_quiet_hours_is_time_in_the_message() -> None:
    tally = counted(
        run_of(
            (0, HOLD),
            (3600, f"{HOLD}: time is up"),
            (3600, NUDGE),
            (3600, f"{NUDGE}: what happened"),
            (3600, f"{NUDGE}: deferred"),
            (3600, f"{NUDGE}: until it may go"),
            (7200, NUDGE),
            (7200, f"{NUDGE}: what happened"),
            (7200, "Journey completed"),
            ended=7200,
        )
    )
    assert tally.ways[START, HOLD].counts == Counter([0])
    assert tally.ways[HOLD, NUDGE].counts == Counter([3600])
    assert set(tally.ways) == {(START, HOLD), (HOLD, NUDGE)}
    assert tally.leavings[NUDGE, "completed"].counts == Counter([3600])


def test_a_restarted_hold_comes_back_to_itself() -> None:
    tally = counted(
        run_of(
            (0, HOLD),
            (600, f"{HOLD}: what happened"),
            (600, HOLD),
            (900, f"{HOLD}: what was stored"),
            (900, f"{HOLD}: stored outcome"),
            (900, f"{HOLD}: started again"),
            (900, HOLD),
            ended=1000,
        ),
        "exited",
    )
    assert tally.ways[HOLD, HOLD].counts == Counter([600, 300])
    assert tally.leavings[HOLD, "exited"].counts == Counter([120])  # 100 s, in whole minutes


def test_a_retried_state_is_no_restart() -> None:
    tally = counted(run_of((0, HOLD), (2, HOLD), ended=60))
    assert (HOLD, HOLD) not in tally.ways
    assert tally.leavings[HOLD, "completed"].counts == Counter([60])


def test_a_run_that_never_entered_a_state_left_before_the_first_step() -> None:
    tally = counted(run_of(ended=0), "exited")
    assert tally.ways == {}
    assert tally.leavings[START, "exited"].counts == Counter([0])


def test_a_run_that_goes_on_is_counted_up_to_the_end() -> None:
    tally = counted(run_of((0, HOLD)), "running")
    assert tally.leavings[HOLD, "running"].counts == Counter([30 * 86_400])


def test_the_record_says_how_a_run_ended_else_its_execution() -> None:
    run = run_of((0, HOLD))
    assert ending_of(run, "converted") == "converted"
    assert ending_of(run, None) == "running"
    run.status = Status.FAILED
    assert ending_of(run, None) == "failed"


def test_the_graph_has_every_way_of_the_journey() -> None:
    program = next(each for each in shipped().loaded_programs if each.journey == "onboarding")
    graph = graph_of(program, MACHINE)
    again = "Wait again for the first action"
    assert [step.kind for step in graph.steps] == ["hold", "message", "hold", "message"]
    assert {(way.source, way.target): way.label for way in graph.ways} == {
        (START, HOLD): "",
        (HOLD, COMPLETED): "First Action",
        (HOLD, NUDGE): "nothing for 3d",
        (NUDGE, again): "",
        (again, COMPLETED): "First Action",
        (again, "Second nudge"): "nothing for 3d",
        ("Second nudge", COMPLETED): "",
    }


def test_the_graph_knows_restarts_delays_and_arms() -> None:
    programs = {each.journey: each for each in shipped().loaded_programs}
    cart = graph_of(programs["cart_abandonment"], shipped().machines["cart_abandonment"])
    silence = "Wait for 45 minutes of silence"
    assert (silence, silence, "Product Added: again") in [
        (way.source, way.target, way.label) for way in cart.ways
    ]
    assert [step.detail for step in cart.steps if step.kind == "delay"] == ["until 09:00 local"]
    thanks = graph_of(programs["post_purchase"], shipped().machines["post_purchase"])
    assert [step.detail for step in thanks.steps if step.kind == "delay"] == ["wait 3d"]
    question = "Was it a large order?"
    assert {way.target: way.label for way in thanks.ways if way.source == question} == {
        "Cross-sell": "over 200 pounds",
        COMPLETED: "otherwise",
    }
