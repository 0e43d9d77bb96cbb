"""Time stands still while there is work, and nothing that was caused is ever overlooked."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.clock import Alarm, Rang, StepClock, StillBusyError

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Sleeper(threading.Thread):
    """Sleeps until the given moments one after the other, and keeps when it woke."""

    def __init__(self, clock: StepClock, moments: list[datetime]) -> None:
        super().__init__(daemon=True)
        self.clock, self.moments = clock, moments
        self.woke: list[datetime] = []
        clock.begin()

    def run(self) -> None:
        for moment in self.moments:
            self.clock.park(Alarm(), moment)
            self.woke.append(self.clock.now())
        self.clock.end()


@pytest.mark.parametrize("count", [1, 20, 200])
def test_every_sleeper_wakes_at_its_very_moment(count: int) -> None:
    clock = StepClock(START)
    plans = [[after(i % 7), after(i % 7 + i / 10), after(60 + i)] for i in range(count)]
    sleepers = [Sleeper(clock, plan) for plan in plans]
    for sleeper in sleepers:
        sleeper.start()
    clock.run_until_idle(10)
    assert [sleeper.woke for sleeper in sleepers] == plans
    assert clock.now() == after(60 + count - 1)


def test_time_waits_for_work_that_has_begun() -> None:
    clock = StepClock(START)
    Sleeper(clock, [after(5)]).start()
    clock.begin()
    with pytest.raises(StillBusyError):
        clock.run_until_idle(0.05)
    assert clock.now() == START
    clock.end()
    clock.run_until_idle(10)
    assert clock.now() == after(5)


def test_time_waits_for_a_source_that_is_not_empty() -> None:
    clock = StepClock(START)
    queue = ["message"]
    clock.add_source(lambda: not queue)
    Sleeper(clock, [after(5)]).start()
    with pytest.raises(StillBusyError):
        clock.run_until_idle(0.05)
    queue.clear()
    clock.touch()
    clock.run_until_idle(10)
    assert clock.now() == after(5)


def test_run_until_leaves_the_alarms_of_that_moment_to_come() -> None:
    clock = StepClock(START)
    early, same = Sleeper(clock, [after(4)]), Sleeper(clock, [after(5)])
    early.start()
    same.start()
    clock.run_until(after(5), 10)
    assert clock.now() == after(5)
    assert early.woke == [after(4)]
    assert same.woke == []
    clock.run_until_idle(10)
    assert same.woke == [after(5)]


def test_alarms_of_one_moment_ring_one_at_a_time_in_the_order_they_were_set() -> None:
    clock = StepClock(START)
    woke: list[int] = []

    def sleep(number: int) -> None:
        clock.park(Alarm(), after(5))
        woke.append(number)
        clock.end()

    for number in range(50):
        clock.begin()
        threading.Thread(target=sleep, args=(number,), daemon=True).start()
        clock.settle(10)
    clock.run_until_idle(10)
    assert woke == list(range(50))


@pytest.mark.parametrize("parked", [True, False])
def test_a_wake_wins_over_the_moment_and_only_one_of_them_counts(parked: bool) -> None:
    clock = StepClock(START)
    alarm, rang = Alarm(), []
    clock.begin()

    def sleep() -> None:
        rang.append(clock.park(alarm, after(5)))
        clock.end()

    thread = threading.Thread(target=sleep, daemon=True)
    if parked:
        thread.start()
        clock.settle(10)
        assert clock.wake(alarm, "order")
    else:
        assert clock.wake(alarm, "order")
        thread.start()
    assert not clock.wake(alarm, "late")
    clock.run_until_idle(10)
    assert rang == [Rang.WOKEN]
    assert alarm.value == "order"
    assert clock.now() == START


def test_an_alarm_in_the_past_rings_at_once() -> None:
    clock = StepClock(START)
    assert clock.park(Alarm(), START) is Rang.TIME


def test_idle_time_runs_at_its_speed_and_stops_at_alarms_and_work() -> None:
    clock = StepClock(START)
    sleeper = Sleeper(clock, [after(60), after(61)])
    sleeper.start()
    mover = threading.Thread(target=clock.run, args=(36_000.0,), daemon=True)
    mover.start()
    sleeper.join(10)
    assert sleeper.woke == [after(60), after(61)]
    with clock.work():
        standing = clock.now()
        assert clock.now() == standing
    clock.close()
    mover.join(10)
    assert not mover.is_alive()


def test_while_time_runs_it_is_never_beyond_the_next_alarm() -> None:
    clock = StepClock(START)
    rang, looked = threading.Event(), threading.Event()

    def sleep() -> None:
        clock.park(Alarm(), after(60))
        rang.set()
        looked.wait(10)
        clock.end()

    clock.begin()
    threading.Thread(target=sleep, daemon=True).start()
    clock.settle(10)
    threading.Thread(target=clock.run, args=(1e12,), daemon=True).start()
    while not rang.is_set():
        assert START <= clock.now() <= after(60)
    assert clock.now() == after(60)
    clock.close()
    looked.set()


def test_a_schedule_rings_in_its_order_and_is_not_gone_on_to() -> None:
    clock = StepClock(START)
    rang: list[tuple[str, datetime]] = []

    def ring_at(name: str, minutes: float, *, awaited: bool) -> None:
        clock.call_at(after(minutes), lambda: rang.append((name, clock.now())), awaited=awaited)

    for minutes in (5, 15, 30):
        ring_at("swept", minutes, awaited=False)
        ring_at("timer", minutes, awaited=True) if minutes < 30 else None
    clock.run_until_idle(10)
    assert rang == [
        ("timer", after(5)),
        ("swept", after(5)),
        ("timer", after(15)),
    ], "of one moment a schedule comes last, and after the last timer not at all"
    assert clock.now() == after(15)
    clock.run_until(after(30), 10)
    assert rang[3:] == [("swept", after(15))]
    clock.run_until(after(31), 10)
    assert rang[4:] == [("swept", after(30))]


def test_a_sleeper_who_was_woken_leaves_only_schedules() -> None:
    clock = StepClock(START)
    alarm = Alarm()
    clock.begin()

    def sleep() -> None:
        clock.park(alarm, after(60))
        clock.end()

    thread = threading.Thread(target=sleep)
    thread.start()
    clock.call_at(after(90), lambda: None, awaited=False)
    clock.settle(10)
    clock.wake(alarm)
    clock.run_until_idle(10)
    thread.join(10)
    assert clock.now() == START
