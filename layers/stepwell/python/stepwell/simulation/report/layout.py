"""Places the nodes of a small acyclic graph in layers, top to bottom.

As Sugiyama, Tagawa and Toda (1981) do it: rank by the longest way from the start, put a place for
its label and stand-ins for the layers that it crosses into every edge, order the layers so that
edges cross little, then pull every node towards its neighbours. Edges' labels are nodes of their
own, so nothing ever covers anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP = 28.0
"""Between neighbours in a layer."""
LAYER_GAP = 24.0
"""Between layers; only there do edges go sideways."""
_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A node or a label: its size, and where its centre is."""

    width: float
    height: float
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """An edge, and the size of its label. The greater its weight, the straighter it is drawn."""

    source: str
    target: str
    width: float
    height: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """An edge's label, and the points that the edge goes through, straight down in each layer."""

    label: Box
    through: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """`nodes` by their ids, `routes` in the order of the links."""

    width: float
    height: float
    nodes: Mapping[str, Box]
    routes: tuple[Route, ...]


@dataclass(slots=True)
class _Grid:
    """Nodes, labels and stand-ins by id, in layers; `below` and `above` are their neighbours."""

    sizes: dict[str, tuple[float, float]] = field(default_factory=dict)
    layers: list[list[str]] = field(default_factory=list)
    below: dict[str, list[str]] = field(default_factory=dict)
    above: dict[str, list[str]] = field(default_factory=dict)
    weights: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, name: str, layer: int, width: float, height: float) -> None:
        while len(self.layers) <= layer:
            self.layers.append([])
        self.layers[layer].append(name)
        self.sizes[name] = (width, height)
        self.below[name], self.above[name] = [], []

    def join(self, upper: str, lower: str, weight: float) -> None:
        self.weights[upper, lower] = self.weights[lower, upper] = weight
        self.below[upper].append(lower)
        self.above[lower].append(upper)


def place(nodes: Mapping[str, tuple[float, float]], links: Sequence[Link]) -> Layout:
    """`nodes` are widths and heights. Links must not form a circle, nor lead to their own node."""
    ranks = _ranks(nodes, links)
    grid, chains = _Grid(), []
    for name, (width, height) in nodes.items():
        grid.add(name, 2 * ranks[name], width, height)
    for number, link in enumerate(links):
        chains.append(_chain(grid, ranks, number, link))
    _order(grid)
    xs = _columns(grid)
    left = min(xs[name] - grid.sizes[name][0] / 2 for name in grid.sizes)
    right = max(xs[name] + grid.sizes[name][0] / 2 for name in grid.sizes)
    rows = _rows(grid)
    boxes = {
        name: Box(width, height, xs[name] - left, sum(rows[name]) / 2)
        for name, (width, height) in grid.sizes.items()
    }
    routes = tuple(
        Route(boxes[chain[0]], tuple((boxes[each].x, y) for each in chain for y in rows[each]))
        for chain in chains
    )
    bottom = max(below for _, below in rows.values())
    return Layout(right - left, bottom, {name: boxes[name] for name in nodes}, routes)


def _ranks(nodes: Mapping[str, object], links: Sequence[Link]) -> dict[str, int]:
    ranks = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for link in links:
            ranks[link.target] = max(ranks[link.target], ranks[link.source] + 1)
    return ranks


def _chain(grid: _Grid, ranks: Mapping[str, int], number: int, link: Link) -> list[str]:
    """Add the label and the stand-ins of an edge; their ids, from its source on."""
    chain: list[str] = []
    above = link.source
    for layer in range(2 * ranks[link.source] + 1, 2 * ranks[link.target]):
        name = f"\0{number}.{layer}"
        grid.add(name, layer, *((8.0, 0.0) if chain else (link.width, link.height)))
        grid.join(above, name, link.weight)
        chain.append(name)
        above = name
    grid.join(above, link.target, link.weight)
    return chain


def _order(grid: _Grid) -> None:
    """Sort each layer by the mean place of its neighbours, downwards and upwards in turn."""
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        neighbours = grid.above if downwards else grid.below
        layers = grid.layers if downwards else grid.layers[::-1]
        for fixed, moved in pairwise(layers):
            places = {name: float(place) for place, name in enumerate(fixed)}
            order = {name: float(place) for place, name in enumerate(moved)}
            wanted = {name: _mean(name, neighbours[name], places, order[name]) for name in moved}
            moved.sort(key=wanted.__getitem__)


def _mean(
    name: str,
    neighbours: Sequence[str],
    places: Mapping[str, float],
    otherwise: float,
    weights: Mapping[tuple[str, str], float] | None = None,
) -> float:
    """The mean place of its neighbours, each as often as its weight says."""
    weighed = [(places[each], weights[name, each] if weights else 1.0) for each in neighbours]
    total = sum(weight for _, weight in weighed)
    return sum(place * weight for place, weight in weighed) / total if total else otherwise


def _columns(grid: _Grid) -> dict[str, float]:
    xs: dict[str, float] = {}
    for layer in grid.layers:
        _spread_out(grid, layer, dict.fromkeys(layer, 0.0), xs)
    for sweep in range(2 * _SWEEPS):
        downwards = sweep % 2 == 1
        neighbours = grid.above if downwards else grid.below
        for layer in grid.layers if downwards else grid.layers[::-1]:
            wanted = {
                name: _mean(name, neighbours[name], xs, xs[name], grid.weights) for name in layer
            }
            _spread_out(grid, layer, wanted, xs)
    return xs


def _spread_out(
    grid: _Grid, layer: Sequence[str], wanted: Mapping[str, float], xs: dict[str, float]
) -> None:
    """As near to what is wanted as their widths and order allow: the mean of the leftmost and the
    rightmost arrangement that keep their distances.
    """
    apart = [
        (grid.sizes[one][0] + grid.sizes[next_one][0]) / 2 + GAP
        for one, next_one in pairwise(layer)
    ]
    pushed_right = [wanted[name] for name in layer]
    pushed_left = list(pushed_right)
    for index, distance in enumerate(apart):
        pushed_right[index + 1] = max(pushed_right[index + 1], pushed_right[index] + distance)
    for index in range(len(apart) - 1, -1, -1):
        pushed_left[index] = min(pushed_left[index], pushed_left[index + 1] - apart[index])
    for name, one, other in zip(layer, pushed_right, pushed_left, strict=True):
        xs[name] = (one + other) / 2


def _rows(grid: _Grid) -> dict[str, tuple[float, float]]:
    """Where the layer of each begins and ends."""
    rows: dict[str, tuple[float, float]] = {}
    top = 0.0
    for layer in grid.layers:
        bottom = top + max(grid.sizes[name][1] for name in layer)
        rows |= dict.fromkeys(layer, (top, bottom))
        top = bottom + LAYER_GAP
    return rows
