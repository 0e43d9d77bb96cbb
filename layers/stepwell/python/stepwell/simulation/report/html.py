"""The report as one page: no scripts, no fonts, nothing from elsewhere, so it can be mailed."""

from __future__ import annotations

from importlib import resources
from string import Template

from stepwell.simulation.report import words
from stepwell.simulation.report.charts import histogram
from stepwell.simulation.report.compare import Comparison
from stepwell.simulation.report.comparison_page import comparison_body, comparison_title
from stepwell.simulation.report.cost_section import cost_section
from stepwell.simulation.report.flow_picture import arrow
from stepwell.simulation.report.journey_section import journey_section
from stepwell.simulation.report.page_parts import drawing, facts, notices, verdict
from stepwell.simulation.report.report import CapReport, Report
from stepwell.simulation.report.svg import element, escape
from stepwell.simulation.report.tables import html_table


def page_of(result: Report | Comparison) -> str:
    """The whole HTML document."""
    if isinstance(result, Comparison):
        title, body = comparison_title(result), comparison_body(result)
    else:
        title, body = _title(result), _body(result)
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return Template(template).substitute(title=escape(title), arrow=arrow(), body=body)


def _title(report: Report) -> str:
    return f"Simulation of {', '.join(report.settings.journeys)}"


def _body(report: Report) -> str:
    settings = report.settings
    said = f"{settings.source}, {words.period(settings)}, policies {settings.policies}"
    parts = [
        element("h1", escape(_title(report))),
        element("p", escape(said), class_="soft"),
        verdict(report),
        notices(report),
        facts(
            {
                "customers": words.number(report.customers),
                "events": words.number(report.events),
                "entries": words.number(sum(each.entries for each in report.journeys)),
                "messages sent": words.number(report.sent()),
                "cost a month": words.money(
                    report.cost.totals[-1].dollars if report.cost else None
                ),
            }
        ),
        _contents(report),
        *(journey_section(journey) for journey in report.journeys),
        _customers(report),
        _policies(report),
        _providers(report),
        cost_section(report.cost) if report.cost else "",
        _problems(report),
    ]
    return "\n".join(parts)


def _contents(report: Report) -> str:
    links = {f"journey-{each.journey}": each.journey for each in report.journeys}
    links |= {"customers": "messages per customer", "policies": "caps and quiet hours"}
    links |= {"cost": "cost forecast"} if report.cost else {}
    items = (
        element("li", element("a", escape(name), href=f"#{link}")) for link, name in links.items()
    )
    return element("nav", element("ul", "".join(items)), aria_label="Contents")


def _customers(report: Report) -> str:
    per_customer = report.per_customer
    rows = [
        (name, *map(words.number, (each.count, each.median, each.p95, each.most)))
        for name, each in (("all", per_customer.all), ("contacted", per_customer.contacted))
    ]
    shown = [(str(n), count) for n, count in per_customer.histogram if n <= 20]
    more = sum(count for n, count in per_customer.histogram if n > 20)
    shown += [("> 20", more)] if more else []
    parts = [
        element("h2", "Messages per customer"),
        drawing(histogram("Customers by the number of messages sent to them", shown), "bars"),
        html_table("Messages per customer", ["of"], ["customers", "median", "95%", "most"], rows),
    ]
    return element("section", "".join(parts), id="customers")


def _policies(report: Report) -> str:
    parts = [element("h2", "How close caps and quiet hours came")]
    if report.caps:
        parts.append(_caps(report))
        charts = "".join(map(_cap_chart, report.caps))
        parts.append(element("div", charts, class_="pair bars"))
    if report.quiet_hours:
        parts.append(_quiet_hours(report))
    if len(parts) == 1:
        parts.append(element("p", "The policies have none."))
    return element("section", "".join(parts), id="policies")


def _caps(report: Report) -> str:
    rows = [
        (
            (
                cap.name,
                words.cap_rule(cap),
                words.number(cap.reached[-1]),
                words.number(cap.above),
                words.number(cap.refusals),
                words.number(cap.refused_customers),
            ),
            "bad" if cap.above else "",
        )
        for cap in report.caps
    ]
    return html_table(
        "Caps",
        ["cap", "at most"],
        ["customers at the limit", "above it", "refusals", "customers refused"],
        rows,
    )


def _cap_chart(cap: CapReport) -> str:
    counts = [(str(n), count) for n, count in enumerate(cap.reached)]
    counts += [("more", cap.above)] if cap.above else []
    what = f"customers by the most messages in any {words.duration(cap.seconds)}"
    heading = element("h3", escape(cap.name) + element("small", what))
    return element("div", heading + histogram(f"{cap.name}: {what}", counts))


def _quiet_hours(report: Report) -> str:
    rows = [
        (
            words.quiet_rule(each),
            *map(words.number, (each.deferred, each.suppressed, each.passed_over)),
            words.number(each.hour_before),
            words.minutes(each.nearest_before),
            words.number(each.hour_after),
            words.minutes(each.nearest_after),
        )
        for each in report.quiet_hours
    ]
    numbers = ["deferred", "suppressed", "passed over"]
    numbers += ["sent in the hour before", "nearest", "in the hour after", "nearest"]
    note = "on the customer's clock; passed over: another channel went instead"
    return html_table("Quiet hours", ["rule"], numbers, rows, note)


def _providers(report: Report) -> str:
    if not report.providers:
        return ""
    rows = [(*each.names, words.number(each.count)) for each in report.providers]
    made = html_table("Calls to providers", ["channel", "answer"], ["calls"], rows)
    return element("section", element("h2", "Providers") + made)


def _problems(report: Report) -> str:
    if not report.problem_count:
        return ""
    said = f"{words.several(report.problem_count, 'warning')} that the functions would log"
    items = "".join(element("li", escape(each)) for each in report.problems)
    listed = element("details", element("summary", "The first of them") + element("ul", items))
    return element("section", element("h2", escape(said)) + listed)
