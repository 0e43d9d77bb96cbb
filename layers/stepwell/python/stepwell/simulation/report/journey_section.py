"""A journey's part of the page: its graph with flows, its messages, what became of them."""

from __future__ import annotations

from stepwell.simulation.report import words
from stepwell.simulation.report.charts import hours_chart, legend, outcomes_of, stacked_bars
from stepwell.simulation.report.flow_picture import flow_picture
from stepwell.simulation.report.page_parts import drawing, facts
from stepwell.simulation.report.report import Conversions, JourneyReport
from stepwell.simulation.report.svg import element, escape
from stepwell.simulation.report.tables import html_table


def journey_section(journey: JourneyReport) -> str:
    """The whole section."""
    goal = journey.conversions
    numbers = {
        "entries": words.number(journey.entries),
        "customers": words.number(journey.customers),
        "entered again": words.number(journey.again),
        "under a further key": words.number(journey.parallel),
    }
    numbers |= {"converted": words.percent(goal.rate)} if goal and journey.entries else {}
    parts = [
        element("h2", escape(journey.journey)),
        element("p", "version " + element("code", escape(journey.version)), class_="soft"),
        facts(numbers),
        element("h3", "The way through"),
        element(
            "p",
            "On each way: how many runs took it, their share of all that left the step, and how "
            "long they had been in it, median / 95%. Lines are as thick as their flow.",
            class_="soft",
        ),
        drawing(flow_picture(journey)),
        element("details", element("summary", "The same as a table") + _flow_table(journey)),
        _messages(journey),
        _reasons(journey),
        _hours(journey),
        _conversions(goal),
        _endings(journey),
    ]
    return element("section", "".join(parts), id=f"journey-{journey.journey}")


def _flow_table(journey: JourneyReport) -> str:
    rows = []
    for step, then, because, share, seconds in words.onward(journey):
        again = then == step
        cells = (
            step or "entry",
            "the same, again" if again else then,
            because,
            words.number(seconds.count),
            "" if again else words.percent(share),
            *map(words.duration, (seconds.median, seconds.p95, seconds.most)),
        )
        rows.append((cells, "" if seconds.count else "none"))
    numbers = ["runs", "share", "median", "95%", "longest"]
    return html_table("Flow and time in each step", ["step", "then", "because"], numbers, rows)


def _messages(journey: JourneyReport) -> str:
    table = words.by_channel(journey.messages)
    if not table:
        return ""
    rows = [
        (f"{step}, {channel or 'no channel'}", outcomes_of(counts))
        for (step, channel), counts in table.items()
    ]
    found = [name for name in words.OUTCOMES if any(name in counts for _, counts in rows)]
    chart = drawing(stacked_bars(f"Messages of {journey.journey} by outcome", rows), "bars")
    listed = html_table(
        "Messages by step, channel and outcome",
        ["step", "channel"],
        list(words.OUTCOMES),
        [
            (step, channel or "none", *(f"{counts.get(each, 0):,}" for each in words.OUTCOMES))
            for (step, channel), counts in table.items()
        ],
        "no channel: suppressed before one was chosen; deferred: still waiting when its run ended",
    )
    return element("h3", "Messages by channel and outcome") + legend(found) + chart + listed


def _reasons(journey: JourneyReport) -> str:
    if not journey.reasons:
        return ""
    by_reason: dict[str, dict[str, int]] = {}
    for each in journey.reasons:
        _, outcome, reason = each.names
        counts = by_reason.setdefault(words.reason(reason), {})
        counts[outcome] = counts.get(outcome, 0) + each.count
    rows = sorted(by_reason.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    bars = [(reason, outcomes_of(counts)) for reason, counts in rows]
    chart = drawing(stacked_bars(f"Decisions of {journey.journey} not to send", bars), "bars")
    listed = html_table(
        "Decisions that sent nothing, by step and reason",
        ["step", "outcome", "reason"],
        ["decisions"],
        [
            (each.names[0], each.names[1], words.reason(each.names[2]), f"{each.count:,}")
            for each in journey.reasons
        ],
    )
    found = [name for name in words.OUTCOMES if any(name in counts for _, counts in bars)]
    return element("h3", "Not sent, or not yet, by reason") + legend(found) + chart + listed


def _hours(journey: JourneyReport) -> str:
    by_hour = words.by_hour(journey.hours)
    if not by_hour:
        return ""
    unknown = sum(each.count for each in journey.hours if not each.names[1].isdigit())
    note = f" {unknown:,} more went to customers whose zone nobody knows." if unknown else ""
    chart = hours_chart(f"Messages of {journey.journey} by local hour", by_hour)
    return (
        element("h3", "Sent by local hour")
        + element("p", f"In the customers' own time.{note}", class_="soft")
        + legend(list(by_hour))
        + drawing(chart, "bars")
    )


def _conversions(goal: Conversions | None) -> str:
    title = element("h3", "Conversions")
    if goal is None:
        return title + element("p", "The journey has no goal.")
    numbers = {
        "conversions": words.number(goal.count),
        "of all entries": words.percent(goal.rate),
        "after a message": words.number(goal.after_message),
        "median time": words.duration(goal.seconds.median),
        "95% within": words.duration(goal.seconds.p95),
    }
    numbers |= {"value": words.amount(goal.value)} if goal.valued else {}
    said = "There is no holdout, so there is no lift: who got no message was not chosen by chance."
    return title + facts(numbers) + element("p", said, class_="soft")


def _endings(journey: JourneyReport) -> str:
    rows = [
        (each.names[0], words.reason(each.names[1]), words.number(each.count))
        for each in journey.endings
    ]
    return html_table("How runs ended", ["outcome", "reason"], ["runs"], rows) if rows else ""
