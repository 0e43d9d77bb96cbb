"""What of a customer a condition reads, however it is written."""

from __future__ import annotations

import pytest

from stepwell.journeys.compiler.cel.parser import parse
from stepwell.journeys.compiler.profile.reads import context_read, read_by_segments

EVERYTHING = {"place", "device", "locale"}


def read(text: str) -> set[str]:
    return set(context_read(parse(text), {"near": frozenset({"place"})}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("customer.place.city == 'Berlin'", {"place"}),
        ("has(customer.place)", {"place"}),
        ("has(customer.place.city)", {"place"}),
        ("customer['place']['city'] == 'Berlin'", {"place"}),
        ("distance_km(customer.place, 52.5, 13.4) < 5.0 && customer.id != ''", {"place"}),
        ("event.properties.x > 1.0 ? customer.device.kind == 'ios' : true", {"device"}),
        ("-distance_km({'a': customer.place}.a, 1.0, 2.0) < 0.0", {"place"}),
        ("[customer.locale, 'x'].exists(l, l == 'de')", {"locale"}),
        ("event.properties.tags.all(t, t == customer.place.city)", {"place"}),
        ("customer.place.exists(name, name == 'city')", {"place"}),
        ("customer.traits[customer.place.city] == 1", {"place"}),
        ("!(customer.segments.near)", {"place"}),
        ("customer.segments['near']", {"place"}),
        ("customer.segments[event.properties.name]", {"place"}),
        ("'near' in customer.segments", {"place"}),
        ("customer.segments.far", set()),
        # more than it names
        ("customer == event.properties.customer", EVERYTHING),
        ("customer[event.properties.name] == 1", EVERYTHING),
        ("customer.exists(name, name == 'place')", EVERYTHING),
        ("[customer].exists(c, c.place.city == 'Berlin')", EVERYTHING),
        ("(true ? customer : customer).id == ''", EVERYTHING),
        # somebody else's
        ("event.properties.customer.place.city == 'Berlin'", set()),
        ("customer.traits.place == 'Berlin' && customer.id == 'place'", set()),
    ],
)
def test_condition_reads(text: str, found: set[str]) -> None:
    assert read(text) == found


def test_segment_reads_what_the_segments_that_it_names_read() -> None:
    segments = {
        "near": "distance_km(customer.place, 1.0, 2.0) < 5.0",
        "close": "customer.segments.near || false",
        "lunch": "customer.segments.close && customer.device.kind == 'ios'",
        "other": "customer.traits.vip == true",
        "any": "customer.segments.exists(name, customer.segments[name])",
    }
    documents = [{"name": name, "when": parse(text)} for name, text in segments.items()]
    assert read_by_segments(documents) == {
        "near": {"place"},
        "close": {"place"},
        "lunch": {"place", "device"},
        "other": set(),
        "any": {"place", "device"},
    }
