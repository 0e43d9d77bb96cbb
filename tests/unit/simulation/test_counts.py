"""Counts of a population: percentiles, and parts that add up to the whole."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.simulation.report.counts import (
    MOST_LISTED,
    BrokenTally,
    CapTally,
    Histogram,
    JourneyTally,
    QuietTally,
    Tally,
)


def histogram(*values: int) -> Histogram:
    return Histogram(Counter(values))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([1, 2], 50, 1),
        ([1, 2, 3], 50, 2),
        ([1, 2, 3, 4], 95, 4),
        ([0] * 95 + [9] * 5, 95, 0),
        ([0] * 94 + [9] * 6, 95, 9),
        ([], 50, None),
    ],
)
def test_percentile_is_the_nearest_rank(
    values: list[int], percent: int, expected: int | None
) -> None:
    assert histogram(*values).percentile(percent) == expected


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 100))
def test_percentile_is_reached_by_so_many_and_by_no_smaller_value(
    values: list[int], percent: int
) -> None:
    found = histogram(*values).percentile(percent)
    assert found in values
    assert sum(each <= found for each in values) * 100 >= percent * len(values)
    assert sum(each < found for each in values) * 100 < percent * len(values)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        (0, 0),
        (-3, 0),
        (59.4, 59),
        (60, 60),
        (89, 60),
        (91, 120),
        (45 * 60 + 20, 45 * 60),
        (47 * 3600 + 29 * 60, 47 * 3600 + 29 * 60),
        (72 * 3600 + 29 * 60, 72 * 3600),
        (72 * 3600 + 31 * 60, 73 * 3600),
    ],
)
def test_time_is_kept_in_the_resolution_that_its_length_needs(seconds: float, kept: int) -> None:
    times = Histogram()
    times.add_seconds(seconds)
    assert times.counts == Counter([kept])


counters = st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)).map(Counter)
histograms = st.lists(st.integers(0, 5), max_size=5).map(lambda values: histogram(*values))
journeys = st.builds(
    JourneyTally,
    entries=st.integers(0, 9),
    ways=st.dictionaries(st.sampled_from([("", "x"), ("x", "y")]), histograms),
    endings=st.dictionaries(st.sampled_from([("completed", "")]), st.integers(1, 9)).map(Counter),
    value_micros=st.integers(-(10**22), 10**22),
    to_conversion=histograms,
)
tallies = st.builds(
    Tally,
    customers=st.integers(0, 9),
    calls=counters,
    broken=st.lists(st.integers(0, 9), max_size=3),
    broken_count=st.integers(0, 99),
    journeys=st.dictionaries(st.sampled_from("jk"), journeys),
    caps=st.dictionaries(st.sampled_from("pq"), st.builds(CapTally, histograms, st.integers(0, 9))),
    quiet=st.dictionaries(st.integers(0, 1), st.builds(QuietTally, before=histograms)),
    sent_by_customer=histograms,
)


@settings(max_examples=25)
@given(tallies, tallies, tallies)
def test_merging_is_associative_and_leaves_the_other_as_it_was(
    a: Tally, b: Tally, c: Tally
) -> None:
    kept = copy.deepcopy(b)
    left = copy.deepcopy(a).merge(b).merge(c)
    right = copy.deepcopy(a).merge(copy.deepcopy(b).merge(c))
    assert left == right
    assert b == kept
    left.merge(c)
    assert b == kept


@settings(max_examples=25)
@given(tallies)
def test_merging_into_nothing_gives_the_same(tally: Tally) -> None:
    assert Tally().merge(tally) == tally
    assert pickle.loads(pickle.dumps(tally)) == tally  # noqa: S301 - as a worker process sends it


def test_merging_counts_everything_and_lists_the_first() -> None:
    def part(name: str) -> Tally:
        listed: list[Any] = [f"{name}{number}" for number in range(MOST_LISTED)]
        return Tally(customers=2, broken=listed, broken_count=250)

    both = part("a").merge(part("b"))
    assert (both.customers, both.broken_count) == (4, 500)
    assert both.broken == part("a").broken


def test_broken_rules_that_are_alike_are_counted_with_the_first_of_all() -> None:
    def part(name: str, count: int) -> Tally:
        group = ("failed", "trial", "Wait", "no such key")
        return Tally(alike={group: BrokenTally(count, [name])})

    (both,) = part("a", 2).merge(part("b", 3)).alike.values()
    assert (both.count, both.listed[0]) == (5, "a")
