"""A journey's graph as a drawing: steps as boxes, ways as lines as thick as their flow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from stepwell.simulation.report import svg, words
from stepwell.simulation.report.layout import Box, Layout, Link, Route, place
from stepwell.simulation.report.report import JourneyReport, Leaving, Step, Way

_START, _DONE = "start", "done"
_WIDTH, _LINE, _PAD = 264.0, 17.0, 9.0
_MARGIN = 16.0
_THICKEST = 7.0


@dataclass(frozen=True, slots=True)
class _Node:
    """A box: its lines of text with their classes; `again` is the way that leads back to it."""

    title: str
    kind: str
    lines: tuple[tuple[str, str], ...]
    again: Way | None

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PAD

    def loop(self) -> tuple[str, ...]:
        return _label(self.again) if self.again else ()

    @property
    def width(self) -> float:
        """With the same room on both sides, so that the box stays in the middle."""
        beside = max(map(svg.wide, self.loop()), default=0.0)
        return _WIDTH + (2 * (beside + 44) if beside else 0.0)


def flow_picture(journey: JourneyReport) -> str:
    """The SVG element."""
    nodes = _nodes(journey)
    ways = [way for way in journey.ways if way.source != way.target or not way.source]
    links = [_link(way, journey) for way in ways]
    layout = place({name: (node.width, node.height) for name, node in nodes.items()}, links)
    parts = [
        *(
            part
            for way, route in zip(ways, layout.routes, strict=True)
            for part in _way(way, route, layout, journey)
        ),
        *(part for name, node in nodes.items() for part in _drawn(node, layout.nodes[name])),
    ]
    inside = svg.element("g", "".join(parts), transform=f"translate({_MARGIN:.0f} {_MARGIN:.0f})")
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    return svg.picture(width, height, f"The way through {journey.journey}", [inside])


def arrow() -> str:
    """The head of all lines; once a page."""
    head = svg.element("path", d="M0 0 L8 4 L0 8 z", class_="head")
    shape = svg.element(
        "marker",
        head,
        id="head",
        viewBox="0 0 8 8",
        refX=6,
        refY=4,
        markerWidth=13,
        markerHeight=13,
        markerUnits="userSpaceOnUse",
        orient="auto",
    )
    definitions = svg.element("defs", shape)
    return svg.element("svg", definitions, width=0, height=0, aria_hidden="true", class_="hidden")


# ---------------------------------------------------------------- boxes


def _nodes(journey: JourneyReport) -> dict[str, _Node]:
    leavings: dict[str, list[Leaving]] = {}
    for leaving in journey.leavings:
        leavings.setdefault(leaving.step, []).append(leaving)
    again = {way.source: way for way in journey.ways if way.source == way.target and way.source}
    entered = f"{journey.entries:,} entered"
    nodes = {_START: _Node("entry", "end", ((entered, "title"),), None)}
    for step in journey.steps:
        lines = _step_lines(step, leavings.get(step.name, []))
        nodes[_id(step.name)] = _Node(step.name, step.kind, lines, again.get(step.name))
    completed = sum(way.seconds.count for way in journey.ways if not way.target)
    nodes[_DONE] = _Node("completed", "end", ((f"{completed:,} completed", "title"),), None)
    return nodes


def _step_lines(step: Step, leavings: list[Leaving]) -> tuple[tuple[str, str], ...]:
    detail = f"{step.kind}: {step.detail}" if step.kind in ("hold", "delay") else step.detail
    lines = [(line, "title") for line in textwrap.wrap(step.name, 34) or [""]]
    lines += [(line, "detail") for line in textwrap.wrap(detail or step.kind, 38)]
    lines.append((f"{step.entered:,} came here", "count"))
    for each in leavings:
        text = f"{each.seconds.count:,} {each.outcome} ({words.percent(each.share)})"
        lines.append(
            (f"{text}, after {words.duration(each.seconds.median)}", f"left {each.outcome}")
        )
    return tuple(lines)


def _drawn(node: _Node, box: Box) -> Iterator[str]:
    left, top = box.x - _WIDTH / 2, box.y - node.height / 2
    rounded = node.height / 2 if node.kind in ("end", "delay") else 8.0
    shape = svg.element(
        "rect",
        x=left,
        y=top,
        width=_WIDTH,
        height=node.height,
        rx=min(rounded, 18.0),
        class_=f"box {node.kind}",
    )
    texts = [
        svg.text(box.x, top + _PAD + _LINE * (number + 0.74), line, class_)
        for number, (line, class_) in enumerate(node.lines)
    ]
    yield svg.titled("; ".join([node.title, *(line for line, _ in node.lines)]), [shape, *texts])
    if node.again is not None:
        yield _loop(node, box)


def _loop(node: _Node, box: Box) -> str:
    """The way back into the same hold, on its right side."""
    edge, y = box.x + _WIDTH / 2, box.y
    path = f"M{edge:.1f} {y - 14:.1f} C{edge + 44:.1f} {y - 26:.1f} {edge + 44:.1f} {y + 26:.1f} "
    line = svg.element(
        "path", d=f"{path}{edge + 3:.1f} {y + 14:.1f}", class_="way", marker_end="url(#head)"
    )
    lines = node.loop()
    top = y - len(lines) * _LINE / 2
    texts = [
        svg.text(edge + 42, top + _LINE * (number + 0.74), each, "label", "start")
        for number, each in enumerate(lines)
    ]
    return svg.titled(f"{node.title}, again: {', '.join(lines)}", [line, *texts])


# ---------------------------------------------------------------- ways


def _id(step: str) -> str:
    return f"step {step}"


def _link(way: Way, journey: JourneyReport) -> Link:
    lines = _label(way)
    width = max(map(svg.wide, lines), default=0.0) + 14
    source = _id(way.source) if way.source else _START
    target = _id(way.target) if way.target else _DONE
    flow = way.seconds.count / max(journey.entries, 1)
    return Link(source, target, width, len(lines) * _LINE + 6, 0.01 + flow**2)


def _label(way: Way) -> tuple[str, ...]:
    """Why, how many, and how long they had been in the step: median and 95th percentile."""
    why = textwrap.wrap(way.label, 34)
    if not way.seconds.count:
        return (*why, "nobody")
    share = "" if way.source == way.target else f" ({words.percent(way.share)})"
    taken = f"{way.seconds.count:,}{share}"
    return (*why, taken, words.spread(way.seconds)) if way.source else (*why, taken)


def _way(way: Way, route: Route, layout: Layout, journey: JourneyReport) -> Iterator[str]:
    link = _link(way, journey)
    source, target = layout.nodes[link.source], layout.nodes[link.target]
    points = [
        (source.x, source.y + source.height / 2),
        *route.through,
        (target.x, target.y - target.height / 2 - 1),
    ]
    thick = 1.2 + (_THICKEST - 1.2) * way.seconds.count / max(journey.entries, 1)
    class_ = "way" if way.seconds.count else "way none"
    lines = _label(way)
    drawn = svg.element(
        "path", d=_curve(points), class_=class_, stroke_width=thick, marker_end="url(#head)"
    )
    top = route.label.y - len(lines) * _LINE / 2
    plate = svg.element(
        "rect",
        x=route.label.x - route.label.width / 2,
        y=route.label.y - route.label.height / 2,
        width=route.label.width,
        height=route.label.height,
        rx=5,
        class_="plate",
    )
    texts = [
        svg.text(route.label.x, top + _LINE * (number + 0.74), line, "label")
        for number, line in enumerate(lines)
    ]
    title = f"{way.source or 'entry'} to {way.target or 'completed'}: {', '.join(lines)}"
    yield svg.titled(title, [drawn, plate, *texts])


def _curve(points: list[tuple[float, float]]) -> str:
    """Smooth, and upright in every point."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        path += f" C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}"
        x, y = next_x, next_y
    return path
