"""The report in a terminal: tables that fit in 100 columns, without colours where it is no tty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stepwell.simulation.costs.forecast import Forecast
from stepwell.simulation.report import words
from stepwell.simulation.report.report import CapReport, JourneyReport, Report

WIDTH, NARROWEST = 100, 80
_BARS = " ▁▂▃▄▅▆▇█"
_SHOWN_BROKEN = 20


def open_console(file: IO[str]) -> Console:
    """Step names may hold brackets and colons, so markup and emoji are off. In a terminal narrower
    than tables can be, lines are broken by it.
    """
    console = Console(file=file, markup=False, highlight=False, emoji=False)
    width = console.width if console.is_terminal else WIDTH
    console.width = min(max(width, NARROWEST), WIDTH)
    return console


def print_report(report: Report, file: IO[str]) -> None:
    console = open_console(file)
    with console.capture() as captured:
        _print(console, report)
    write_captured(captured.get(), file)


def write_captured(text: str, file: IO[str]) -> None:
    """What a console has made of a report, without the spaces that fill tables up."""
    file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))
    file.flush()


def _print(console: Console, report: Report) -> None:
    _head(console, report)
    print_never(console, report)
    print_notices(console, report)
    for journey in report.journeys:
        _journey(console, journey)
    _customers(console, report)
    _caps(console, report)
    _quiet_hours(console, report)
    _providers(console, report)
    if report.cost is not None:
        _cost(console, report.cost)
    _problems(console, report)


def table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """A table with columns of text, then columns of numbers."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    made.show_edge, made.title_style = False, "bold"
    for name in left:
        made.add_column(name, overflow="fold")
    for name in right:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def show(console: Console, made: Table) -> None:
    console.print(made)
    console.print()


def _head(console: Console, report: Report) -> None:
    settings = report.settings
    names = ", ".join(settings.journeys)
    console.print(Text(f"Simulation of {names}", style="bold"))
    console.print(f"{settings.source}, {words.period(settings)}, policies {settings.policies}")
    console.print(
        f"{words.several(report.customers, 'customer')}, {words.several(report.events, 'event')}, "
        f"{words.several(report.sent(), 'message')} sent"
    )
    console.print()


def print_never(console: Console, report: Report) -> None:
    if not report.broken_count:
        console.print(Text("✓ Nothing happened that must never happen.", style="green"))
        console.print()
        return
    said = words.several(report.broken_count, "thing")
    console.print(Text(f"✗ {said} happened that must never happen:", style="bold red"))
    for each in report.broken_groups[:_SHOWN_BROKEN]:
        console.print(Text(f"  {words.broken_group(each)}", style="red"))
    more = sum(each["count"] for each in report.broken_groups[_SHOWN_BROKEN:])
    if more:
        console.print(f"  … and {more:,} more")
    console.print()


def print_notices(console: Console, report: Report) -> None:
    if not report.notices:
        return
    console.print(Text("! Worth a look:", style="bold yellow"))
    for each in report.notices:
        console.print(Text(f"  {each.said}", style="yellow"))
    console.print()


def _journey(console: Console, journey: JourneyReport) -> None:
    console.rule(Text(f"{journey.journey}, version {journey.version[:12]}", style="bold"))
    console.print(
        f"{words.several(journey.entries, 'entry')} of "
        f"{words.several(journey.customers, 'customer')}: {journey.again:,} again, "
        f"{journey.parallel:,} under a further key"
    )
    console.print()
    show(console, _flow(journey))
    if journey.messages:
        show(console, _messages(journey))
    if journey.reasons:
        show(console, _reasons(journey))
    if journey.hours:
        show(console, _hours(journey))
    _conversions(console, journey)


def _flow(journey: JourneyReport) -> Table:
    made = table(
        "Where they went", ["step", "then", "because"], ["runs", "share", "median / p95 in step"]
    )
    before = None
    for step, then, because, share, seconds in words.onward(journey):
        again = then == step
        made.add_row(
            "" if step == before else step or "entry",
            "the same, again" if again else then,
            because,
            words.number(seconds.count),
            "" if again else words.percent(share),
            words.spread(seconds) if step else "",
            style=None if seconds.count else "dim",
        )
        before = step
    return made


def _messages(journey: JourneyReport) -> Table:
    made = table("Messages", ["step", "channel"], list(words.OUTCOMES))
    for (step, channel), counts in words.by_channel(journey.messages).items():
        shown = [words.number(counts[each]) if each in counts else "" for each in words.OUTCOMES]
        made.add_row(step, channel or "none", *shown)
    return made


def _reasons(journey: JourneyReport) -> Table:
    made = table("Not sent, or not yet", ["step", "outcome", "reason"], ["decisions"])
    for each in journey.reasons:
        step, outcome, reason = each.names
        made.add_row(step, outcome, words.reason(reason), words.number(each.count))
    return made


def _hours(journey: JourneyReport) -> Table:
    scale = "".join(f"{hour:<4}" for hour in range(0, 24, 2))
    made = table("Sent by local hour", ["channel", scale], ["most in an hour"])
    by_hour = words.by_hour(journey.hours)
    most = max((max(counts) for counts in by_hour.values()), default=0)
    for channel, counts in by_hour.items():
        made.add_row(
            channel, "".join(_bar(count, most) * 2 for count in counts), f"{max(counts):,}"
        )
    return made


def _bar(count: int, most: int) -> str:
    return _BARS[-(-count * (len(_BARS) - 1) // most)] if most else " "


def _conversions(console: Console, journey: JourneyReport) -> None:
    goal = journey.conversions
    if goal is None:
        console.print("No goal, so no conversions.")
    else:
        value = f", worth {goal.value:,.2f} in {goal.valued:,}" if goal.valued else ""
        console.print(
            f"Conversions: {goal.count:,} ({words.percent(goal.rate)} of entries), "
            f"{goal.after_message:,} of them after a message{value}; "
            f"median / p95 time {words.spread(goal.seconds)}."
        )
        console.print("No holdout, so no lift: who got nothing was not chosen by chance.")
    console.print()


def _customers(console: Console, report: Report) -> None:
    console.rule(Text("Customers and policies", style="bold"))
    made = table("Messages per customer", ["of"], ["customers", "median", "p95", "most"])
    for name, each in (
        ("all", report.per_customer.all),
        ("contacted", report.per_customer.contacted),
    ):
        shown = (each.count, each.median, each.p95, each.most)
        made.add_row(name, *(words.number(value) for value in shown))
    show(console, made)


def _caps(console: Console, report: Report) -> None:
    if not report.caps:
        return
    made = table(
        "Caps: customers by the most messages in any window",
        ["cap"],
        ["customers by messages", "refusals", "refused"],
    )
    made.columns[0].no_wrap = True
    for cap in report.caps:
        made.add_row(
            cap.name,
            _reached(cap),
            words.number(cap.refusals),
            words.number(cap.refused_customers),
        )
    show(console, made)


def _reached(cap: CapReport) -> str:
    above = [f"more: {cap.above:,}"] if cap.above else []
    return "  ".join([*(f"{n}: {customers:,}" for n, customers in enumerate(cap.reached)), *above])


def _quiet_hours(console: Console, report: Report) -> None:
    if not report.quiet_hours:
        return
    made = table(
        "Quiet hours: sends within an hour of them, and the nearest",
        ["rule"],
        [
            "deferred",
            "suppressed",
            "passed over",
            "hour before",
            "nearest",
            "hour after",
            "nearest",
        ],
    )
    for each in report.quiet_hours:
        made.add_row(
            words.quiet_rule(each),
            words.number(each.deferred),
            words.number(each.suppressed),
            words.number(each.passed_over),
            words.number(each.hour_before),
            words.minutes(each.nearest_before),
            words.number(each.hour_after),
            words.minutes(each.nearest_after),
        )
    show(console, made)


def _providers(console: Console, report: Report) -> None:
    if not report.providers:
        return
    made = table("Calls to providers", ["channel", "answer"], ["calls"])
    for each in report.providers:
        made.add_row(*each.names, words.number(each.count))
    show(console, made)


def _cost(console: Console, cost: Forecast) -> None:
    console.rule(Text("Cost forecast", style="bold"))
    plans = ", ".join(f"{channel}: {plan}" for channel, plan in sorted(cost.plans.items()))
    console.print(f"List prices of {cost.as_of}, {cost.region}, {cost.currency}; plans: {plans}")
    made = table(
        "",
        ["service", "unit"],
        ["a month", "dollars a month", "per million entries"],
    )
    for line in cost.lines:
        made.add_row(
            line.service,
            line.unit + ("" if line.confirmed else " *"),
            words.amount(line.amount),
            words.money(line.dollars),
            words.money(line.per_million.entries),
        )
    for total in cost.totals:
        name = words.TOTALS[total.group]
        each = total.per_million
        made.add_row(
            name, "", "", words.money(total.dollars), words.money(each.entries), style="bold"
        )
    show(console, made)
    for title, notes in (
        ("* Not certain", cost.uncertain),
        ("Assumed", cost.assumed),
        ("Left out", cost.left_out),
    ):
        if notes:
            console.print(Text(f"{title}: {'; '.join(notes)}.", style="dim"))
    console.print()


def _problems(console: Console, report: Report) -> None:
    if not report.problem_count:
        return
    said = words.several(report.problem_count, "warning")
    console.print(Text(f"{said} that the functions would log, such as:", style="yellow"))
    for each in report.problems[:5]:
        console.print(f"  {each}")
