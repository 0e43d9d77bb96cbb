"""The page of a comparison: what differs, then both graphs next to each other."""

from __future__ import annotations

from itertools import groupby

from stepwell.simulation.report import words
from stepwell.simulation.report.compare import Comparison
from stepwell.simulation.report.flow_picture import flow_picture
from stepwell.simulation.report.page_parts import drawing, facts, notices, verdict
from stepwell.simulation.report.report import JourneyReport, Report
from stepwell.simulation.report.svg import element, escape
from stepwell.simulation.report.tables import html_table


def comparison_title(comparison: Comparison) -> str:
    return f"Comparison of {', '.join(comparison.journeys)}"


def comparison_body(comparison: Comparison) -> str:
    """What stands inside of `main`."""
    first, second = comparison.first, comparison.second
    settings = first.settings
    said = f"{settings.source}, {words.period(settings)}"
    equal = comparison.compared - len(comparison.differences)
    parts = [
        element("h1", escape(comparison_title(comparison))),
        element("p", escape(said), class_="soft"),
        element("p", escape(f"first: {words.side(first)}")),
        element("p", escape(f"second: {words.side(second)}")),
        *(element("p", element("strong", escape(said))) for said in words.missing(comparison)),
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
        *(_graphs(name, comparison) for name in comparison.journeys),
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
            [(each.name, *words.compared(each, comparison)) for each in differences],
        )
        for section, differences in groupby(comparison.differences, key=lambda each: each.section)
    ]
    return element("section", element("h2", "What differs") + "".join(tables), id="differences")


def _graphs(name: str, comparison: Comparison) -> str:
    first, second = _journey(comparison.first, name), _journey(comparison.second, name)
    sides = _side("first", first) + _side("second", second)
    title = element("h2", escape(name))
    return element("section", title + element("div", sides, class_="pair"))


def _journey(report: Report, name: str) -> JourneyReport | None:
    return next((each for each in report.journeys if each.journey == name), None)


def _side(name: str, journey: JourneyReport | None) -> str:
    if journey is None:
        return element("div", element("h3", f"{name}: {words.NOT_THERE}"))
    entries = words.several(journey.entries, "entry")
    return element("div", element("h3", f"{name}: {entries}") + drawing(flow_picture(journey)))
