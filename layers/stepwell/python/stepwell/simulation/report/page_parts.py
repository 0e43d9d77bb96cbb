"""Pieces that the pages of a report and of a comparison share."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.simulation.report import words
from stepwell.simulation.report.report import Report
from stepwell.simulation.report.svg import element, escape

_SHOWN_BROKEN = 100


def verdict(report: Report, name: str = "") -> str:
    """What must never happen: green when nothing of it did, else a list; `name` is the side."""
    where = f"{name}: " if name else ""
    if not report.broken_count:
        said = f"✓ {where}Nothing happened that must never happen."
        return element("div", escape(said), class_="verdict good", role="status")
    said = words.several(report.broken_count, "thing")
    items = [
        element("li", escape(words.broken_group(each)))
        for each in report.broken_groups[:_SHOWN_BROKEN]
    ]
    more = sum(each["count"] for each in report.broken_groups[_SHOWN_BROKEN:])
    items += [element("li", f"… and {more:,} more")] if more else []
    title = escape(f"✗ {where}{said} happened that must never happen:")
    return element("div", title + element("ul", "".join(items)), class_="verdict bad", role="alert")


def notices(report: Report, name: str = "") -> str:
    """What is worth a look; nothing where there is none."""
    if not report.notices:
        return ""
    where = f"{name}: " if name else ""
    items = "".join(element("li", escape(each.said)) for each in report.notices)
    title = escape(f"! {where}Worth a look:")
    return element("div", title + element("ul", items), class_="verdict notice", role="status")


def facts(named: Mapping[str, str]) -> str:
    """A few large numbers."""
    items = (
        element("div", element("dt", escape(name)) + element("dd", escape(value)))
        for name, value in named.items()
    )
    return element("dl", "".join(items), class_="facts")


def drawing(picture: str, class_: str = "") -> str:
    """A picture that may be wider than the page."""
    return element("div", picture, class_=f"drawing {class_}".strip(), tabindex="0")
