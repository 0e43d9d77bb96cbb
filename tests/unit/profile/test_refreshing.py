"""Looking at everybody again: at a rate, once, and by an id that a second run makes again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from stepwell.events.model import Event
from stepwell.profile.refreshing import Stale, refresh
from tests.support.world import START


class Clock:
    """Stands still but for who sleeps, and for what sending takes."""

    def __init__(self, sending: float = 0.0) -> None:
        self.moment = START
        self.sending = sending
        self.sent: list[tuple[datetime, Event]] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def send(self, events: Sequence[Event]) -> None:
        self.sent += [(self.moment, each) for each in events]
        self.sleep(self.sending)


def refreshed(clock: Clock, number: int, rate: float, version: str = "v1") -> list[int]:
    found = (Stale(f"c{each}", each) for each in range(number))
    told = refresh(found, version, clock.send, per_second=rate, now=clock.now, sleep=clock.sleep)
    return list(told)


@pytest.mark.parametrize(("sending", "seconds"), [(0.0, 9.0), (0.4, 9.0), (2.0, 18.0)])
def test_never_faster_than_the_rate(sending: float, seconds: float) -> None:
    clock = Clock(sending)
    assert refreshed(clock, 100, rate=10) == list(range(10, 101, 10))
    last, _ = clock.sent[-1]
    assert (last - START).total_seconds() == pytest.approx(seconds)
    for number, (at, _) in enumerate(clock.sent):
        assert number // 10 * 10 <= (at - START).total_seconds() * 10 + 1e-6


def test_a_second_run_sends_the_same_ids_and_another_version_others() -> None:
    clocks = [Clock() for _ in range(3)]
    for clock, version in zip(clocks, ("v1", "v1", "v2"), strict=True):
        refreshed(clock, 3, rate=1, version=version)
    first, second, other = ([each.fingerprint for _, each in clock.sent] for clock in clocks)
    assert first == second
    assert not set(first) & set(other)
    assert [each.customer for _, each in clocks[0].sent] == ["c0", "c1", "c2"]
    assert all(each.timestamp == at for at, each in clocks[0].sent)


def test_nobody_needs_no_call() -> None:
    clock = Clock()
    assert refreshed(clock, 0, rate=1) == []
    assert clock.sent == []
