"""Bars, as drawings with a name and with the number of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.simulation.report import svg, words

_BAR, _STEP = 18.0, 26.0
_LABELS, _LENGTH, _NUMBERS = 300.0, 420.0, 110.0
_COLUMN, _HEIGHT = 26.0, 130.0


def stacked_bars(title: str, rows: Sequence[tuple[str, Mapping[str, int]]]) -> str:
    """A bar a row; its parts have the names as classes, in the order of the mapping."""
    most = max((sum(parts.values()) for _, parts in rows), default=0) or 1
    drawn = []
    for number, (label, parts) in enumerate(rows):
        y, x, pieces = number * _STEP + 4, _LABELS, []
        for name, count in parts.items():
            width = _LENGTH * count / most
            if count:
                piece = svg.element("rect", x=x, y=y, width=width, height=_BAR, class_=f"of-{name}")
                pieces.append(svg.titled(f"{label}: {count:,} {name}", [piece]))
            x += width
        total = sum(parts.values())
        drawn += [
            svg.text(_LABELS - 8, y + 13, _short(label), "label", "end"),
            *pieces,
            svg.text(x + 6, y + 13, f"{total:,}", "number", "start"),
        ]
    return svg.picture(_LABELS + _LENGTH + _NUMBERS, len(rows) * _STEP + 6, title, drawn)


def _short(label: str) -> str:
    longest = int((_LABELS - 16) / svg.CHARACTER)
    return label if len(label) <= longest else label[: longest - 1] + "…"


def hours_chart(title: str, channels: Mapping[str, Sequence[int]]) -> str:
    """24 columns, the channels on top of each other."""
    totals = [sum(counts[hour] for counts in channels.values()) for hour in range(24)]
    most, left, top = max(totals, default=0) or 1, 46.0, 14.0
    base = top + _HEIGHT
    drawn = [
        svg.element("line", x1=left, y1=base, x2=left + 24 * _COLUMN, y2=base, class_="axis"),
        svg.text(left - 6, top + 5, f"{most:,}", "number", "end"),
        svg.text(left - 6, base, "0", "number", "end"),
    ]
    for hour in range(24):
        y, x = base, left + hour * _COLUMN + 2
        for channel, counts in channels.items():
            height = _HEIGHT * counts[hour] / most
            y -= height
            if counts[hour]:
                piece = svg.element(
                    "rect", x=x, y=y, width=_COLUMN - 4, height=height, class_=f"of-{channel}"
                )
                said = f"{hour:02}:00 to {hour:02}:59: {counts[hour]:,} by {channel}"
                drawn.append(svg.titled(said, [piece]))
        if hour % 3 == 0:
            drawn.append(svg.text(x + _COLUMN / 2 - 2, base + 16, f"{hour:02}", "number"))
    return svg.picture(left + 24 * _COLUMN + 10, base + 24, title, drawn)


def histogram(title: str, counts: Sequence[tuple[str, int]], class_: str = "plain") -> str:
    """A column for each, with its number on top."""
    most, top, column = max((count for _, count in counts), default=0) or 1, 22.0, 44.0
    base = top + _HEIGHT
    drawn = []
    for number, (label, count) in enumerate(counts):
        height = _HEIGHT * count / most
        middle = number * column + column / 2
        bar = svg.element(
            "rect",
            x=middle - 15,
            y=base - height,
            width=30,
            height=height,
            class_=f"of-{class_}",
        )
        drawn += [
            svg.titled(f"{label}: {count:,}", [bar]),
            svg.text(middle, base - height - 5, _compact(count), "number"),
            svg.text(middle, base + 16, label, "label"),
        ]
    width = len(counts) * column
    drawn.append(svg.element("line", x1=0, y1=base, x2=width, y2=base, class_="axis"))
    return svg.picture(width, base + 24, title, drawn)


def _compact(count: int) -> str:
    """Six characters at most."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f}k" if count < 10_000_000 else f"{count / 1_000_000:.0f}M"


def legend(names: Sequence[str]) -> str:
    """What the colours of the bars mean, for the page."""
    items = (
        svg.element("li", svg.element("span", "", class_=f"key of-{name}") + svg.escape(name))
        for name in names
    )
    return svg.element("ul", "".join(items), class_="legend")


def outcomes_of(parts: Mapping[str, int]) -> dict[str, int]:
    """In the order in which outcomes are always shown."""
    return {name: parts[name] for name in words.OUTCOMES if name in parts}
