"""What is kept is that of a set of occurrences: their order, doubles and joins change nothing."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.conditions.lazy import ABSENT
from stepwell.profile.computed import Moment, millis, value_of
from stepwell.profile.rules import ProfileRules
from stepwell.profile.tracks import DAY, HOUR, KEPT, State, Track, occurred, pruned, united

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AT = Moment(NOW, lambda: UTC)
VALUE = ["select", ["select", ["name", "event"], "properties"], "x"]

moments = st.integers(0, 30 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
numbers = st.integers(-50, 50) | st.integers(-99_999, 99_999).map(lambda x: x + 0.125)
occurrences = st.lists(st.tuples(moments, numbers), max_size=130)

KINDS: dict[str, dict[str, Any]] = {
    "count": {"kind": "count"},
    "count_5d": {"kind": "count", "within": 5 * 86_400},
    "count_20d": {"kind": "count", "within": 20 * 86_400},
    "sum": {"kind": "sum", "value": VALUE},
    "sum_20d": {"kind": "sum", "value": VALUE, "within": 20 * 86_400},
    "min_20d": {"kind": "min", "value": VALUE, "within": 20 * 86_400},
    "max": {"kind": "max", "value": VALUE},
    "first": {"kind": "first", "value": VALUE},
    "last": {"kind": "last", "value": VALUE},
    "last_5d": {"kind": "last", "value": VALUE, "within": 5 * 86_400},
    "days_since": {"kind": "days_since"},
    "distinct": {"kind": "distinct", "value": VALUE, "at_most": 200},
    "distinct_20d": {"kind": "distinct", "value": VALUE, "within": 20 * 86_400, "at_most": 200},
    "most_frequent": {"kind": "most_frequent", "value": VALUE},
    "histogram": {"kind": "histogram"},
}


def rules(*names: str) -> ProfileRules:
    traits = [{"name": name, "event": "Order", **KINDS[name]} for name in names or KINDS]
    return ProfileRules({"computed": traits})


def single(track: Track, number: int, at: datetime, value: Any) -> State:
    kept = [millis(at), f"{number:08}"]
    return occurred(track, [*kept, value] if track.value is not None else kept)


def folded(track: Track, states: list[State]) -> State:
    state = states[0]
    for each in states[1:]:
        state = pruned(track, united(track, state, each), millis(NOW))
    return pruned(track, state, millis(NOW))


@settings(max_examples=60)
@given(occurrences, st.randoms(use_true_random=False), st.integers(0, 130))
def test_any_order_and_any_join_keep_the_same(
    given: list[tuple[datetime, Any]], random: Any, cut: int
) -> None:
    for track in rules().track_ids.values():
        states = [single(track, number, *each) for number, each in enumerate(given)]
        if not states:
            continue
        in_order = folded(track, sorted(states, key=json.dumps))
        random.shuffle(states)
        assert folded(track, states) == in_order
        parts = [part for part in (states[:cut], states[cut:]) if part]
        assert folded(track, [folded(track, part) for part in parts]) == in_order


def in_window(given: list[tuple[datetime, Any]], days: int, *, fine: bool) -> list[Any]:
    """As promised: the last 50 by their moments, those before until their hour or day is over."""
    grain, now = (HOUR if fine else DAY), millis(NOW)
    ordered = sorted((millis(at), f"{number:08}", x) for number, (at, x) in enumerate(given))
    exact = ordered[-KEPT:]
    edge = now - days * DAY
    return [
        each
        for each in ordered
        if (each[0] > edge if each in exact else (each[0] // grain + 1) * grain > edge)
    ]


@settings(max_examples=60)
@given(occurrences)
def test_values_are_those_of_a_count_by_hand(given: list[tuple[datetime, Any]]) -> None:
    found = rules()
    states = {
        track.id: folded(track, [single(track, n, *each) for n, each in enumerate(given)])
        for track in found.track_ids.values()
        if given
    }
    values = {
        name: value_of(each, found.computed, states, AT) for name, each in found.computed.items()
    }
    ordered = sorted((millis(at), f"{number:08}", x) for number, (at, x) in enumerate(given))
    xs = [each[2] for each in ordered]
    assert values["count"] == len(xs)
    assert values["count_5d"] == len(in_window(given, 5, fine=True))
    wide = in_window(given, 20, fine=False)
    assert values["count_20d"] == len(wide)
    assert values["sum"] == pytest.approx(sum(xs), abs=1e-4)
    assert values["sum_20d"] == pytest.approx(sum(each[2] for each in wide), abs=1e-4)
    assert values["min_20d"] == (min(each[2] for each in wide) if wide else ABSENT)
    assert values["max"] == (max(xs) if xs else ABSENT)
    assert values["first"] == (xs[0] if xs else ABSENT)
    assert values["last"] == (xs[-1] if xs else ABSENT)
    newest = millis(NOW) - ordered[-1][0] if ordered else None
    assert values["days_since"] == (newest // DAY if newest is not None else ABSENT)
    assert values["last_5d"] == (xs[-1] if newest is not None and newest < 5 * DAY else ABSENT)
    assert values["distinct"] == len(set(xs))
    last = {x: at for at, _, x in ordered}
    assert values["distinct_20d"] == sum(at > millis(NOW) - 20 * DAY for at in last.values())
    if xs:
        frequent = values["most_frequent"]
        assert frequent["count"] == max(Counter(xs[-KEPT:]).values())
        assert Counter(xs[-KEPT:])[frequent["value"]] == frequent["count"]
    assert values["histogram"]["count"] == len(xs)
    hours = Counter(at.hour for at, _ in given)
    assert values["histogram"]["by_hour"] == [hours[hour] for hour in range(24)]


def test_the_values_that_occurred_last_are_kept_whatever_the_order() -> None:
    track = (
        ProfileRules(
            {
                "computed": [
                    {"name": "d", "kind": "distinct", "event": "O", "value": VALUE, "at_most": 3}
                ]
            }
        )
        .computed["d"]
        .track
    )
    assert track is not None
    states = [single(track, n, NOW - timedelta(hours=n), n % 6) for n in range(40)]
    kept = folded(track, states)
    assert set(kept["d"]) == {"0", "1", "2"}
    assert folded(track, states[::-1]) == kept
