"""Frequency caps: never more than k in a window, whatever is reserved, moved or released."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.messages import caps
from stepwell.messages.policies import Cap, Policies
from tests.support.messages import NOON, shipped_policies

CHANNELS = ("sms", "push", "email")
ALL = Cap("all", ("marketing",), (), 3, 100)
LONG = Cap("long", ("marketing",), (), 5, 400)
SMS = Cap("sms_only", ("marketing",), ("sms",), 1, 150)
POLICIES = replace(shipped_policies(), caps=(ALL, LONG, SMS))
SHORTEST = timedelta(seconds=100)
"""From the last ask to the send passes less than any window."""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def reserve(
    units: caps.Units,
    message: str,
    seconds: float,
    *,
    channel: str = "push",
    policies: Policies = POLICIES,
) -> caps.Units | caps.Refusal:
    return caps.reserve(
        units,
        message=message,
        channel=channel,
        purpose="marketing",
        policies=policies,
        now=at(seconds),
    )


def reserved(*reservations: tuple[str, float]) -> caps.Units:
    units: caps.Units = ()
    for message, seconds in reservations:
        result = reserve(units, message, seconds)
        assert not isinstance(result, caps.Refusal)
        units = result
    return units


class Model:
    """Plays actions on the units and remembers every moment that was counted for a sent message."""

    def __init__(self) -> None:
        self.units: caps.Units = ()
        self.now = 0.0
        self.placed: dict[str, caps.Unit] = {}

    def play(self, action: str, message: str, channel: str, step: float) -> None:
        self.now += step
        if action == "reserve":
            held = caps.unit_of(self.units, message)
            if held is not None and held.state == caps.CONFIRMED:
                return
            result = reserve(self.units, message, self.now, channel=channel)
            if not isinstance(result, caps.Refusal):
                self.units = result
        elif action == "confirm":
            held = caps.unit_of(self.units, message)
            if held is not None and at(self.now) - held.at < SHORTEST:
                self.units = caps.confirm(self.units, message, at(self.now))
        else:
            self.units = caps.release(self.units, message)
            if caps.unit_of(self.units, message) is None:
                self.placed.pop(message, None)
        self.placed.update({unit.message: unit for unit in self.units})

    def check(self) -> None:
        for cap in POLICIES.caps:
            moments = sorted(
                unit.at for unit in self.placed.values() if cap.counts(unit.purpose, unit.channel)
            )
            for start in moments:
                window = [m for m in moments if start <= m < start + timedelta(seconds=cap.seconds)]
                assert len(window) <= cap.at_most, cap.name


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "reserve", "reserve", "confirm", "release"]),
            st.sampled_from([f"m{number}" for number in range(12)]),
            st.sampled_from(CHANNELS),
            st.sampled_from([0.0, 1.0, 20.0, 50.0, 99.0, 100.0]),
        ),
        max_size=60,
    )
)
def test_no_window_ever_holds_more_than_its_cap(actions: list[tuple[str, str, str, float]]) -> None:
    model = Model()
    for action in actions:
        model.play(*action)
        model.check()
        assert len({unit.message for unit in model.units}) == len(model.units)


@given(st.lists(st.floats(0, 500), max_size=8), st.floats(500, 600))
def test_a_refusal_frees_at_the_first_moment_with_room(earlier: list[float], now: float) -> None:
    units = tuple(
        caps.Unit(f"m{index}", at(seconds), "push", "marketing", caps.CONFIRMED)
        for index, seconds in enumerate(earlier)
    )
    result = reserve(units, "new", now)
    if isinstance(result, caps.Refusal):
        frees = (result.frees_at - NOON).total_seconds()
        assert not isinstance(reserve(units, "new", frees), caps.Refusal)
        assert isinstance(reserve(units, "new", frees - 0.001), caps.Refusal)
        assert frees > now


def test_a_message_with_a_unit_is_answered_with_that_one() -> None:
    units = reserved(("a", 0))
    assert reserve(units, "a", 30) is units


def test_a_unit_past_its_window_is_reserved_anew() -> None:
    units = reserve(reserved(("a", 0)), "a", 100)
    assert not isinstance(units, caps.Refusal)
    assert [unit.at for unit in units] == [at(100)]


def test_another_channel_moves_the_unit_even_under_a_full_cap() -> None:
    units = reserved(("a", 0), ("b", 1), ("c", 2))
    moved = reserve(units, "a", 3, channel="email")
    assert not isinstance(moved, caps.Refusal)
    assert [(unit.message, unit.channel) for unit in moved if unit.message == "a"] == [
        ("a", "email")
    ]
    assert len(moved) == 3


def test_another_channel_asks_its_own_cap() -> None:
    units = reserve(reserved(("a", 0)), "b", 1, channel="sms")
    assert not isinstance(units, caps.Refusal)
    refusal = reserve(units, "a", 2, channel="sms")
    assert isinstance(refusal, caps.Refusal)
    assert refusal.counts == {"sms_only": 1}
    assert refusal.frees_at == at(151)


def test_a_window_is_open_at_its_end() -> None:
    units = reserved(("a", 0), ("b", 0), ("c", 0))
    assert isinstance(reserve(units, "d", 99.999), caps.Refusal)
    assert not isinstance(reserve(units, "d", 100), caps.Refusal)


def test_the_latest_of_several_full_caps_decides_the_wait() -> None:
    units = tuple(
        caps.Unit(f"m{index}", at(index), "sms", "marketing", caps.RESERVED) for index in range(3)
    )
    refusal = reserve(units, "new", 10, channel="sms")
    assert isinstance(refusal, caps.Refusal)
    assert refusal.counts == {"all": 3, "sms_only": 3}
    assert refusal.frees_at == at(152)


def test_confirm_and_release_are_idempotent_and_only_the_owners() -> None:
    units = reserved(("a", 0), ("b", 1))
    confirmed = caps.confirm(units, "a", at(2))
    assert caps.confirm(confirmed, "a", at(3)) == confirmed
    assert caps.release(confirmed, "a") == confirmed
    released = caps.release(confirmed, "b")
    assert [unit.message for unit in released] == ["a"]
    assert caps.release(released, "b") == released
    assert caps.confirm(units, "nobody", at(2)) == caps.release(units, "nobody") == units


def test_window_begins_with_the_send() -> None:
    """A message that was asked about again and went an hour later counts from then."""
    units = caps.confirm(reserved(("a", 0), ("b", 1), ("c", 2)), "a", at(60))
    assert [unit.at for unit in units] == [at(60), at(1), at(2)]
    lone = caps.confirm(reserved(("a", 0)), "a", at(60))
    only = replace(POLICIES, caps=(replace(ALL, at_most=1),))
    assert isinstance(reserve(lone, "new", 159, policies=only), caps.Refusal)
    assert not isinstance(reserve(lone, "new", 160, policies=only), caps.Refusal)


def test_exempt_purposes_and_other_purposes_do_not_count() -> None:
    policies = shipped_policies()
    assert policies.caps_of("transactional", "sms") == ()
    units = (caps.Unit("t", NOON, "sms", "transactional", caps.CONFIRMED),)
    assert caps.counts_by_cap(units, policies, "marketing", "sms", NOON) == {
        "marketing_2_per_day": 0,
        "marketing_5_per_week": 0,
        "marketing_sms_1_per_day": 0,
    }


def test_units_that_no_cap_counts_are_forgotten() -> None:
    units = reserve(reserved(("a", 0)), "b", 400)
    assert not isinstance(units, caps.Refusal)
    assert [unit.message for unit in units] == ["b"]


@pytest.mark.parametrize("item", [None, {"version": 1, "units": []}])
def test_no_units_are_read_from_nothing(item: dict[str, object] | None) -> None:
    assert caps.read_units(item) == ()


def test_units_are_read_as_they_were_written() -> None:
    units = reserved(("a", 0), ("b", 1))
    assert caps.read_units({"units": caps.write_units(units)}) == units
