"""The tables of docs/scale.md, in Markdown: what so many customers need, and what binds first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from stepwell.simulation.costs.forecast import DAYS_PER_MONTH, Forecast, forecast
from stepwell.simulation.costs.prices import PriceTable
from stepwell.simulation.costs.quotas import Quota, QuotaTable
from stepwell.simulation.costs.scale import Month, Scale
from stepwell.simulation.costs.sweeping import SweptMany

SIZES = (1_000_000, 10_000_000, 100_000_000)
_HEADS = tuple(f"{size // 1_000_000} million" for size in SIZES)

Row = Sequence[str]


def tables(scale: Scale, prices: PriceTable, quotas: QuotaTable) -> str:
    """All of them, each below its heading."""
    parts = (
        ("## What binds first", _first(scale, prices, quotas)),
        ("## What 1, 10 and 100 million customers need", _needs(scale, prices, quotas)),
        ("## With long waits parked", _parked(scale, prices, quotas)),
        ("## What it costs a month", _costs(scale, prices)),
        ("## When everybody leaves a segment at once", _swept(scale, prices)),
        ("## Assumed, and measured", _assumed(scale, prices, quotas)),
    )
    return "\n".join(f"{heading}\n\n{_markdown(list(rows))}" for heading, rows in parts)


def _first(scale: Scale, prices: PriceTable, quotas: QuotaTable) -> Iterator[Row]:
    """In the order in which growth meets them; every need grows with the customers alike."""
    one = Month(SIZES[0], scale)
    needs, events = one.needs(prices.assumptions), one.peak(one.events)
    reached = {name: quota.default / needs[name] for name, quota in quotas.quotas.items()}
    yield ("what", "default", "reached at", "… that is", "how it is raised")
    for name, share in sorted(reached.items(), key=lambda each: each[1]):
        quota = quotas.quotas[name]
        customers = f"{_number(share * SIZES[0])} customers"
        rate = f"{_number(share * events)} events/s"
        yield (_named(quota), _amount(quota.default, quota), customers, rate, _raised(quota))


def _needs(scale: Scale, prices: PriceTable, quotas: QuotaTable) -> Iterator[Row]:
    months = [Month(size, scale) for size in SIZES]
    yield ("at the busiest moment", *_HEADS)
    yield ("events a second", *(_number(each.peak(each.events)) for each in months))
    sends = (_number(each.messages_a_second()) for each in months)
    yield ("messages a second, as quiet hours end", *sends)
    needs = [each.needs(prices.assumptions) for each in months]
    for name, quota in quotas.quotas.items():
        yield (_named(quota), *(_against(each[name], quota) for each in needs))


def _parked(scale: Scale, prices: PriceTable, quotas: QuotaTable) -> Iterator[Row]:
    months = [Month(size, scale) for size in SIZES]
    needs = [each.parked_needs() for each in months]
    yield ("every wait of more than a week parked", *_HEADS)
    known = {"open_executions": quotas.quotas["open_executions"], **quotas.parking}
    for name, quota in known.items():
        yield (_named(quota), *(_against(each[name], quota) for each in needs))
    costs = [
        _total(forecast(each.parked_usage(), prices)) - _total(forecast(each.usage(), prices))
        for each in months
    ]
    yield ("a month more for AWS", *map(_dollars, costs))


def _costs(scale: Scale, prices: PriceTable) -> Iterator[Row]:
    costs = [forecast(Month(size, scale).usage(), prices) for size in SIZES]
    yield ("list prices", *_HEADS)
    for service in dict.fromkeys(line.service for line in costs[0].lines):
        yield (service, *(_dollars(_of(each, service)) for each in costs))
    totals = [_total(each) for each in costs]
    yield ("**AWS, all of it**", *(f"**{_dollars(each)}**" for each in totals))
    a_thousand = (f"${total / size * 1000:.2f}" for total, size in zip(totals, SIZES, strict=True))
    yield ("… for 1,000 customers", *a_thousand)


def _swept(scale: Scale, prices: PriceTable) -> Iterator[Row]:
    """Of customers who are due at one moment."""
    swept = [SweptMany(size, scale, prices) for size in SIZES]
    yield ("due at one moment", *_HEADS)
    yield ("runs of the sweep", *(_number(each.runs) for each in swept))
    yield ("… from the first to the last", *(_hours(each.takes) for each in swept))
    yield ("… each takes", *(f"{_number(each.run_seconds)} s" for each in swept))
    yield ("events a second, told ones too", *(_number(each.events_a_second) for each in swept))
    for name, unit in (("write", "write units"), ("read", "read units"), ("fifo", "SQS requests")):
        yield (unit, *(_number(each.amounts()[name]) for each in swept))
    yield ("**AWS, all of it**", *(f"**{_dollars(each.dollars)}**" for each in swept))
    scans = (f"${each.scan_dollars:,.2f}" for each in swept)
    yield ("`stepwell sweep --all`: the reading besides", *scans)


def _hours(time: timedelta) -> str:
    return f"{_number(time / timedelta(hours=1))} h"


def _of(cost: Forecast, service: str) -> float:
    return sum(line.dollars for line in cost.lines if line.service == service)


def _total(cost: Forecast) -> float:
    return next(each.dollars for each in cost.totals if each.group == "aws")


def _assumed(scale: Scale, prices: PriceTable, quotas: QuotaTable) -> Iterator[Row]:
    assumed, measured = scale.assumed, scale.measured
    spread = f"{assumed.spread_minutes:g} minutes"
    yield ("assumed", "")
    yield ("events of a customer a day", f"{assumed.events_a_day:g}")
    yield ("enrollments of a customer a month", f"{assumed.enrollments_a_month:g}")
    yield ("the busiest minutes against the mean", f"{assumed.peak:g} times")
    yield ("messages that wait for the end of quiet hours", f"{assumed.deferred:.0%}")
    yield ("customers for whom they end at one moment", f"{assumed.largest_zone:.0%}")
    yield ("… over which those messages are spread", spread)
    yield ("messages by email, by SMS", f"{assumed.email:.0%}, {assumed.sms:.0%}")
    yield ("events in a request, in a batch of the router", _sizes(prices))
    yield (f"**measured**, on {measured.customers} simulated customers", "**an enrollment**")
    yield ("messages sent", f"{measured.messages:.2g}")
    yield ("state transitions", f"{measured.calls['transition']:.2g}")
    yield ("days that it is open", f"{measured.open_days:.2g}")
    yield ("… of which in waits of more than a week", f"{measured.long_days:.2g}")
    yield ("such waits", f"{measured.long_waits:.2g}")
    yield ("write units of an event that starts nothing", f"{measured.tables['event'].writes:g}")
    yield ("prices of, quotas of", f"{prices.as_of}, {quotas.as_of}, both {quotas.region}")
    yield ("a month", f"{DAYS_PER_MONTH:g} days")


def _sizes(prices: PriceTable) -> str:
    each = prices.assumptions
    return f"{each.events_per_request}, {each.events_per_batch}"


# ---------------------------------------------------------------- words


def _named(quota: Quota) -> str:
    return f"{quota.what} ({quota.service})"


def _amount(number: float, quota: Quota) -> str:
    star = "" if quota.confirmed else " *"
    return f"{_number(number)} {quota.unit.replace('a second', '/s')}{star}".replace(" /s", "/s")


def _against(need: float, quota: Quota) -> str:
    """Bold where it is more than the default."""
    text = _amount(need, quota).removesuffix(" *").removesuffix(" at a time")
    return f"**{text}**" if need > quota.default else text


def _raised(quota: Quota) -> str:
    return f"`{quota.setting}`: {quota.ask}" if quota.setting else quota.ask


def _number(number: float) -> str:
    """Two digits that mean something: more would promise what is not known."""
    if number == 0:
        return "0"
    short = float(f"{number:.2g}")
    return f"{short:,.0f}" if short >= 10 else f"{short:g}"


def _dollars(number: float) -> str:
    return f"${float(f'{number:.2g}'):,.0f}"


def _markdown(rows: Sequence[Row]) -> str:
    head, *rest = rows
    line = "|".join(["---"] * len(head))
    text = [_row(head), f"|{line}|", *map(_row, rest)]
    return "\n".join(text) + "\n"


def _row(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"
