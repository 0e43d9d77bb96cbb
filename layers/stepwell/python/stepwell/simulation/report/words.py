"""Numbers in words, for people: the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.simulation.report.compare import Comparison, Difference
from stepwell.simulation.report.report import (
    CapReport,
    Count,
    JourneyReport,
    QuietReport,
    Report,
    Settings,
    Spread,
)

OUTCOMES = ("sent", "unknown", "failed", "suppressed", "deferred")
"""The columns of tables of messages; a message still deferred at the end of its run comes last."""
NONE = "-"
NOT_THERE = "not there"
ABOUT_THE_SAME = "about the same"
TOTALS = {"aws": "AWS", "channels": "Channels", "all": "Together"}

_SMALLEST = 0.005
"""A smaller change would be shown as 0.00."""
_SHOWN = {"share": 0.0005, "seconds": 1}
"""The same, where it is another number."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def duration(seconds: int | None) -> str:
    """`2d 3h`, `45m`, `0`: the two largest units; a dash for None."""
    if seconds is None:
        return NONE
    parts = []
    for size, unit in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0"


def number(count: int | None) -> str:
    return NONE if count is None else f"{count:,}"


def percent(share: float) -> str:
    """Whole percents above ten, else one decimal place; never 0 or 100 of what is neither."""
    shown = share * 100
    if 0 < shown < 0.1:
        return "< 0.1%"
    if 99.5 <= shown < 100:
        return "> 99%"
    return f"{shown:.0f}%" if shown >= 10 or shown == 0 else f"{shown:.1f}%"


def money(dollars: float | None) -> str:
    if dollars is None:
        return NONE
    if 0 < dollars < 0.005:
        return "< $0.01"
    return f"${dollars:,.0f}" if dollars >= 1000 else f"${dollars:,.2f}"


def broken_group(group: Mapping[str, Any]) -> str:
    """Of what is alike how much there is, and the first of it; `count` 1 is that alone."""
    said = str(group["first"]["said"])
    return said if group["count"] == 1 else f"{group['count']:,} times, first: {said}"


def amount(value: float) -> str:
    """An amount of units, which need not be whole."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def several(count: int, thing: str) -> str:
    if count != 1:
        thing = f"{thing.removesuffix('y')}ies" if thing == "entry" else f"{thing}s"
    return f"{count:,} {thing}"


def period(settings: Settings) -> str:
    """`2026-11-02 to 2026-12-02 (30 days), seed 1`."""
    number = round(settings.days, 1)
    days = f"{number:g} day{'' if number == 1 else 's'}"
    return f"{settings.start[:10]} to {settings.until[:10]} ({days}), seed {settings.seed}"


def spread(seconds: Spread) -> str:
    """Median and 95th percentile."""
    if seconds.median == 0 == seconds.p95:
        return "at once"
    return f"{duration(seconds.median)} / {duration(seconds.p95)}" if seconds.count else NONE


def cap_rule(cap: CapReport) -> str:
    return f"{cap.at_most} in {duration(cap.seconds)}"


def quiet_rule(rule: QuietReport) -> str:
    return f"{rule.start} to {rule.end}, {', '.join(rule.purposes)} {', '.join(rule.channels)}"


def minutes(value: int | None) -> str:
    return NONE if value is None else f"{value:,} min"


def side(report: Report) -> str:
    """What tells one side of a comparison from the other."""
    versions = ", ".join(f"{name} {v[:12]}" for name, v in report.settings.journeys.items())
    versions = versions or "none of the journeys"
    return f"{report.settings.label}: {versions}, policies {report.settings.policies}"


def onward(journey: JourneyReport) -> list[tuple[str, str, str, float, Spread]]:
    """Ways and leavings together: step, where to, why, share and time; step by step."""
    rows = [
        (each.source, each.target or "completed", each.label, each.share, each.seconds)
        for each in journey.ways
    ]
    rows += [(each.step, each.outcome, "", each.share, each.seconds) for each in journey.leavings]
    place = {step.name: number for number, step in enumerate(journey.steps)}
    return sorted(rows, key=lambda row: place.get(row[0], -1))


def reason(text: str) -> str:
    """`quiet_hours` as `quiet hours`."""
    return text.replace("_", " ")


def by_channel(messages: tuple[Count, ...]) -> dict[tuple[str, str], dict[str, int]]:
    """(step, channel) -> outcome -> messages."""
    table: dict[tuple[str, str], dict[str, int]] = {}
    for each in messages:
        step, channel, outcome = each.names
        table.setdefault((step, channel), {})[outcome] = each.count
    return table


def by_hour(hours: tuple[Count, ...]) -> dict[str, list[int]]:
    """Channel -> messages in each of 24 hours; those at an unknown local time are left out."""
    table: dict[str, list[int]] = {}
    for each in hours:
        channel, hour = each.names
        counts = table.setdefault(channel, [0] * 24)
        if hour.isdigit():
            counts[int(hour)] += each.count
    return table


def measured(value: float | None, unit: str) -> str:
    """A number of a comparison, in its unit."""
    if value is None:
        return NONE
    if unit == "seconds":
        return duration(int(value))
    if unit == "share":
        return percent(value)
    if unit == "dollars":
        return money(value)
    return amount(value)


def missing(comparison: Comparison) -> list[str]:
    """Which journeys one side has not."""
    return [
        f"{', '.join(names)}: {NOT_THERE} in the {side}"
        for side, names in (("first", comparison.only_second), ("second", comparison.only_first))
        if names
    ]


def compared(difference: Difference, comparison: Comparison) -> tuple[str, str, str, str]:
    """Both numbers, the change and its share of the first, each in words."""
    first = measured(difference.first, difference.unit)
    second = measured(difference.second, difference.unit)
    if difference.section in comparison.only_second:
        first = NOT_THERE
    if difference.section in comparison.only_first:
        second = NOT_THERE
    return first, second, change(difference), relative(difference)


def change(difference: Difference) -> str:
    """`+12`, `-3h`; in words where it is too small to show; a dash where one side has no number."""
    value = difference.change
    if value is None:
        return NONE
    sign = "+" if value > 0 else "-"
    if abs(value) < _SHOWN.get(difference.unit, _SMALLEST):
        return ABOUT_THE_SAME
    if difference.unit == "share":
        return f"{sign}{abs(value) * 100:.1f} points"
    return sign + measured(abs(value), difference.unit)


def relative(difference: Difference) -> str:
    value = difference.relative
    if value is None:
        return ""
    if abs(value) < 0.001:
        return "< +0.1%" if value > 0 else "> -0.1%"
    return f"{value * 100:+,.1f}%"
