"""The drawing's layers: nothing overlaps, everything leads down, the main way is straight."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.simulation.report.layout import Box, Layout, Link, place


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[Link]]:
    """Up to eight nodes, each but the first reached from one before it."""
    sizes = st.tuples(st.floats(10, 400), st.floats(10, 120))
    count = draw(st.integers(1, 8))
    nodes = {f"n{number}": draw(sizes) for number in range(count)}
    pairs = {(draw(st.integers(0, number - 1)), number) for number in range(1, count)}
    pairs |= {
        (one, other) for one, other in combinations(range(count), 2) if draw(st.integers(0, 5)) == 0
    }
    links = [
        Link(f"n{one}", f"n{other}", *draw(sizes), weight=draw(st.floats(0.01, 1)))
        for one, other in sorted(pairs)
    ]
    return nodes, links


def crosses(x: float, y: float, box: Box) -> bool:
    inside = abs(x - box.x) < box.width / 2 - 0.01
    return inside and abs(y - box.y) < box.height / 2 - 0.01


def apart(one: Box, other: Box) -> bool:
    across = abs(one.x - other.x) - (one.width + other.width) / 2
    along = abs(one.y - other.y) - (one.height + other.height) / 2
    return across >= -0.01 or along >= -0.01


def boxes(layout: Layout) -> list[Box]:
    return [*layout.nodes.values(), *(route.label for route in layout.routes)]


@settings(max_examples=40)
@given(graphs())
def test_nothing_overlaps_and_everything_is_inside(
    graph: tuple[dict[str, tuple[float, float]], list[Link]],
) -> None:
    nodes, links = graph
    layout = place(nodes, links)
    assert layout == place(nodes, links)
    assert all(apart(one, other) for one, other in combinations(boxes(layout), 2))
    for box in boxes(layout):
        assert -0.01 <= box.x - box.width / 2 <= box.x + box.width / 2 <= layout.width + 0.01
        assert -0.01 <= box.y - box.height / 2 <= box.y + box.height / 2 <= layout.height + 0.01


@settings(max_examples=40)
@given(graphs())
def test_every_way_leads_down_through_its_label(
    graph: tuple[dict[str, tuple[float, float]], list[Link]],
) -> None:
    nodes, links = graph
    layout = place(nodes, links)
    for link, route in zip(links, layout.routes, strict=True):
        heights = [
            layout.nodes[link.source].y,
            *(y for _, y in route.through),
            layout.nodes[link.target].y,
        ]
        assert heights == sorted(heights)
        (x, top), (_, bottom), *_ = route.through
        assert x == route.label.x
        assert top <= route.label.y <= bottom
        assert (route.label.width, route.label.height) == (link.width, link.height)


@settings(max_examples=40)
@given(graphs())
def test_no_way_leads_through_a_node(
    graph: tuple[dict[str, tuple[float, float]], list[Link]],
) -> None:
    nodes, links = graph
    layout = place(nodes, links)
    for route in layout.routes:
        middles = [
            (x, (y + below) / 2)
            for (x, y), (_, below) in zip(*[iter(route.through)] * 2, strict=True)
        ]
        for x, y in [*route.through, *middles]:
            assert not any(crosses(x, y, box) for box in layout.nodes.values())


def test_a_chain_is_straight() -> None:
    nodes = dict.fromkeys("abc", (200.0, 50.0))
    layout = place(nodes, [Link("a", "b", 90, 20), Link("b", "c", 30, 20)])
    assert len({round(box.x, 3) for box in boxes(layout)}) == 1


def test_a_way_past_others_goes_beside_them() -> None:
    nodes = dict.fromkeys("abc", (200.0, 50.0))
    links = [Link("a", "b", 90, 20), Link("b", "c", 90, 20), Link("a", "c", 90, 20, 0.01)]
    layout = place(nodes, links)
    _, _, *beside = layout.routes[2].through
    assert beside
    middle = layout.nodes["b"]
    assert all(abs(x - middle.x) > middle.width / 2 for x, _ in beside)
