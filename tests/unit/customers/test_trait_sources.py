"""Who said a trait: kept with it, in any order, through joins, and in few bytes."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepwell.customers.traits import MAX_TRAITS_BYTES, Traits, read_traits, said, size_of_traits
from stepwell.events.model import Event
from tests.support.world import START, World, event, identify


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def by(source: str, event: Event) -> Event:
    return replace(event, source=source)


def sources(world: World) -> dict[str, str]:
    return read_traits(world.ada().profile).sources


def test_the_source_of_the_newest_word_is_kept() -> None:
    world = World()
    world.send(
        by("shop", identify("ada", plan="free", city="London", at=at(0), number="1")),
        by("crm", identify("ada", plan="pro", at=at(2), number="2")),
        by("till", identify("ada", plan="old", city=None, at=at(1), number="3")),
    )
    assert world.ada().traits == {"plan": "pro"}
    assert sources(world) == {"plan": "crm"}


def test_a_join_keeps_who_said_what() -> None:
    world = World()
    world.send(
        by("crm", identify("ada", plan="free", city="Leeds", at=at(0), number="1")),
        by("shop", identify(None, "a", plan="pro", size="M", at=at(1), number="2")),
        event("Signed In", number="join", anonymous_id="a", at=at(60)),
    )
    assert sources(world) == {"plan": "shop", "size": "shop", "city": "crm"}


def test_one_source_costs_a_profile_a_few_bytes_only() -> None:
    known = said({"plan": "pro", "city": "Leeds", "first_name": "Ada"}, START, "shop").items()
    unknown = said({"plan": "pro", "city": "Leeds", "first_name": "Ada"}, START).items()
    assert len(known["trait_times"]) - len(unknown["trait_times"]) == len(',"shop"')
    assert set(known) == {"traits", "trait_times"}


def test_profiles_from_before_sources_were_kept_are_read() -> None:
    old = {"traits": '{"plan":"pro"}', "trait_times": "[1000,{}]"}
    traits = read_traits(old)
    assert (traits.times, traits.sources) == ({"plan": 1000}, {})
    assert traits.items() == old
    newer = traits.united(said({"city": "Leeds"}, START, "shop"))
    assert read_traits(newer.items()).sources == {"city": "shop"}


def test_the_size_limit_counts_sources() -> None:
    values = {f"t{n}": "" for n in range(1000)}
    mixed = said(values, START, "shop")
    for number, name in enumerate(values):
        mixed = mixed.united(said({name: ""}, at(1), f"source_{number}"))
    item = mixed.items()
    assert size_of_traits(item) > size_of_traits(said(values, at(1), "shop").items()) + 10_000
    assert size_of_traits(item) < MAX_TRAITS_BYTES


WORDS = st.tuples(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 3), min_size=1),
    st.sampled_from(["shop", "crm", ""]),
)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_in_any_order_the_same_is_known(words: list[tuple[dict[str, Any], str]]) -> None:
    """Moments differ, as of two words of one moment the order of arrival decides."""
    told = [said(word, at(minutes), source) for minutes, (word, source) in enumerate(words)]
    found = set()
    for order in itertools.permutations(told):
        traits = Traits({}, {})
        for each in order:
            traits = read_traits(traits.united(each).items())
        found.add(json.dumps([traits.values, traits.times, traits.sources], sort_keys=True))
    assert len(found) == 1
    last = {name: source for word, source in words for name in word}
    (only,) = found
    values, _, known = json.loads(only)
    assert known == {name: last[name] for name in values if last[name]}
