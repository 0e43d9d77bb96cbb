from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from stepwell.simulation.agenda import Agenda, Rank

START = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(Rank)), max_size=30))
def test_time_then_events_then_the_order_of_putting(entries: list[tuple[int, Rank]]) -> None:
    agenda, told = Agenda(), []
    for number, (second, rank) in enumerate(entries):
        told.append((second, rank, number))
        agenda.put(START + timedelta(seconds=second), rank, lambda: None)
    popped = []
    while (upcoming := agenda.next_moment()) is not None:
        moment, _ = agenda.pop()
        assert moment == upcoming
        popped.append(moment)
    assert popped == [START + timedelta(seconds=second) for second, _, _ in sorted(told)]


@given(st.permutations([(0, Rank.TIMER, "a"), (0, Rank.EVENT, "b"), (0, Rank.TIMER, "c")]))
def test_an_event_comes_before_the_timers_of_its_moment(
    entries: list[tuple[int, Rank, str]],
) -> None:
    agenda = Agenda()
    done: list[str] = []
    for second, rank, name in entries:
        agenda.put(START + timedelta(seconds=second), rank, partial(done.append, name))
    while agenda.next_moment():
        agenda.pop()[1]()
    timers = [name for _, rank, name in entries if rank is Rank.TIMER]
    assert done == ["b", *timers]
