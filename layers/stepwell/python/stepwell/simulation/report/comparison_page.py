"""The page of a comparison: what differs, then both graphs next to each other."""

from __future__ import annotations

from itertools import groupby

from stepwell.simulation.report import words
from stepwell.simulation.report.compare import Comparison
from stepwell.simulation.report.flow_picture import flow_picture
from stepwell.simulation.report.page_parts import drawing, facts, notices, verdict
from stepwell.simulation.report.report import JourneyReport
from stepwell.simulation.report.svg import element, escape
from stepwell.simulation.report.tables import html_table


def comparison_title(comparison: Comparison) -> str:
    return f"Comparison of {', '.join(comparison.first.settings.journeys)}"


def comparison_body(comparison: Comparison) -> str:
    """What stands inside of `main`."""
    first, second = comparison.first, comparison.second
    settings = first.settings
    said = (
        f"{settings.source}, {settings.start[:10]} to {settings.until[:10]} "
        f"({settings.days:g} days), seed {settings.seed}"
    )
    equal = comparison.compared - len(comparison.differences)
    parts = [
        element("h1", escape(comparison_title(comparison))),
        element("p", escape(said), class_="soft"),
        element("p", escape(f"first: {words.side(first)}")),
        element("p", escape(f"second: {words.side(second)}")),
        verdict(first, "first"),
        verdict(second, "second"),
        notices(first, "first"),
        notices(second, "second"),
        facts(
            {
                "numbers compared": words.number(comparison.compared),
                "the same": words.number(equal),
                "different": words.number(len(comparison.differences)),
            }
        ),
        _differences(comparison),
        *(
            _graphs(journey, other)
            for journey in first.journeys
            for other in second.journeys
            if journey.journey == other.journey
        ),
    ]
    return "\n".join(parts)


def _differences(comparison: Comparison) -> str:
    if not comparison.differences:
        return element("section", element("h2", "No difference"))
    tables = [
        html_table(
            section,
            ["what"],
            ["first", "second", "change", "relative"],
            [
                (
                    each.name,
                    words.measured(each.first, each.unit),
                    words.measured(each.second, each.unit),
                    words.change(each),
                    words.relative(each),
                )
                for each in differences
            ],
        )
        for section, differences in groupby(comparison.differences, key=lambda each: each.section)
    ]
    return element("section", element("h2", "What differs") + "".join(tables), id="differences")


def _graphs(first: JourneyReport, second: JourneyReport) -> str:
    sides = "".join(
        element(
            "div",
            element("h3", f"{name}: {words.number(journey.entries)} entries")
            + drawing(flow_picture(journey)),
        )
        for name, journey in (("first", first), ("second", second))
    )
    title = element("h2", escape(first.journey))
    return element("section", title + element("div", sides, class_="pair"))
