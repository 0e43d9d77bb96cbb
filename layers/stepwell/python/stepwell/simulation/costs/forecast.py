"""What a month of a simulated population would cost: usage, a price table and plans, as plain data.

Counts are those of the simulation. DynamoDB's units may have been measured on a part of it and are
scaled by exact counts of what causes them. How long functions run cannot be simulated: their times
follow from the calls they make, by the table's assumptions. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stepwell.simulation.costs.prices import Channel, Price, PriceTable
from stepwell.simulation.costs.usage import BASES, COMMANDS, FUNCTIONS, SENDERS, Usage

DAYS_PER_MONTH = 30.4
_MONTH = DAYS_PER_MONTH * 86_400
_GB = 1024**3
_QUEUE_CALLS = 3
"""Send, receive and delete, each of a whole batch."""

LEFT_OUT = (
    "logs, metrics, alarms and traces",
    "WhatsApp's fees, and what the in-app inbox reads and writes",
    "KMS requests, data transfer, WAF, and S3 but for writing the archive",
    "what a stack that does nothing costs a month",
    "phone numbers, sender ids, registrations and dedicated IP addresses",
    "AWS's free tiers and volume discounts",
)


@dataclass(frozen=True, slots=True)
class PerMillion:
    """Dollars of the whole simulated time, not of a month, per million; None when there was none
    of it.
    """

    customers: float | None
    entries: float | None
    messages: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One price: `amount` and `dollars` a month. `group` is "aws" or "channels"."""

    group: str
    service: str
    unit: str
    amount: float
    dollars: float
    per_million: PerMillion
    page: str
    confirmed: bool
    note: str


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a group's lines, with the same meanings."""

    group: str
    dollars: float
    per_million: PerMillion


@dataclass(frozen=True, slots=True)
class Forecast:
    """`days` were simulated. `totals` are of "aws", "channels" and "all", in this order."""

    as_of: str
    region: str
    currency: str
    days: float
    plans: Mapping[str, str]
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]
    assumed: tuple[str, ...]
    uncertain: tuple[str, ...]
    left_out: tuple[str, ...] = LEFT_OUT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Used:
    """An amount of one price in the simulated time; `monthly` ones are a month's already."""

    group: str
    service: str
    price: Price
    amount: float
    monthly: bool = False


def forecast(usage: Usage, prices: PriceTable, chosen: Mapping[str, str] | None = None) -> Forecast:
    """`chosen` are plans by channel, the table's defaults for the others.

    Raises PricesError for a plan that there is not, ValueError when no time was simulated.
    """
    if usage.seconds <= 0:
        raise ValueError("no time was simulated, so there is no month to scale it to")
    plans = prices.plans(chosen)
    used = [*_of_aws(usage, prices), *_of_channels(usage, prices, plans)]
    lines = tuple(_line(each, usage) for each in used if each.amount)
    groups = (("aws", ("aws",)), ("channels", ("channels",)), ("all", ("aws", "channels")))
    return Forecast(
        as_of=prices.as_of.isoformat(),
        region=prices.region,
        currency=prices.currency,
        days=usage.seconds / 86_400,
        plans=plans,
        lines=lines,
        totals=tuple(
            _total(name, [each for each in lines if each.group in members])
            for name, members in groups
        ),
        assumed=tuple(_assumed(prices)),
        uncertain=tuple(_uncertain(usage, lines)),
    )


def _of_aws(usage: Usage, prices: PriceTable) -> Iterator[_Used]:
    for name, amount in {
        **_orchestration(usage, prices),
        **_tables(usage),
        **_way_in(usage, prices),
    }.items():
        price = prices.service(name)
        yield _Used("aws", price.service, price, amount)
    stored = usage.metered.stored_bytes / _GB
    if usage.metered.customers:
        stored *= usage.customers / usage.metered.customers
    for name in ("storage", "backup"):
        price = prices.service(name)
        yield _Used("aws", price.service, price, stored, monthly=True)


def _orchestration(usage: Usage, prices: PriceTable) -> dict[str, float]:
    assumed, calls = prices.assumptions, usage.calls
    seconds = {name: _seconds(name, usage, prices) for name in FUNCTIONS}
    batches = calls["event"] / assumed.events_per_batch
    requests = calls["event"] / assumed.events_per_request
    commands = sum(calls[each] for each in COMMANDS)
    router = usage.of_tables(usage.metered.requests, "router") + commands
    seconds["router"] = assumed.function_seconds(router, 0, batches, puts=batches)
    seconds["authorizer"] = assumed.function_seconds(0, 0, requests)
    seconds["ingest"] = assumed.function_seconds(batches, 0, requests)
    seconds["commands"] = _commanded(usage, prices)
    sending = sum(seconds[name] for name in SENDERS)
    return {
        "transition": calls["transition"],
        "express": calls["express"],
        "express_time": sending * assumed.express_memory_gb,
        "invocation": sum(calls[name] for name in FUNCTIONS)
        + batches
        + 2 * requests
        + _queued(usage),
        "function_time": sum(seconds.values()) * assumed.function_memory_gb,
    }


def _seconds(name: str, usage: Usage, prices: PriceTable) -> float:
    """Of all runs of one function; a push takes a call for its endpoint and one to send it."""
    requests = usage.of_tables(usage.metered.requests, name)
    sends = usage.calls["provider"] + usage.billed["push", ""] if name == "delivery" else 0
    if name == "hand_over":
        sends = usage.calls[name]
    return prices.assumptions.function_seconds(requests, sends, usage.calls[name])


def _queued(usage: Usage) -> int:
    """Messages of the commands queue: alarms of parked waits, looks at what a run left."""
    return usage.calls["resume"] + usage.calls["settle"]


def _commanded(usage: Usage, prices: PriceTable) -> float:
    """Two reads and a start for each alarm that rang; a read for each look."""
    requests = usage.of_tables(usage.metered.requests, "commands") + _queued(usage)
    return prices.assumptions.function_seconds(requests, 0, _queued(usage))


def _tables(usage: Usage) -> dict[str, float]:
    metered = usage.metered
    return {
        "write": sum(usage.of_tables(metered.writes, caller) for caller in BASES),
        # The messages of a run that is looked at are less than 4 KB, as a rule.
        "read": sum(usage.of_tables(metered.reads, caller) for caller in BASES)
        + usage.calls["settle"],
    }


def _way_in(usage: Usage, prices: PriceTable) -> dict[str, float]:
    events, assumed = usage.calls["event"], prices.assumptions
    return {
        "http": events / assumed.events_per_request,
        "fifo": _QUEUE_CALLS * events / assumed.events_per_batch,
        "put": events / assumed.events_per_batch,
        "schedule": usage.calls["resume"],
        "queue": _QUEUE_CALLS * _queued(usage),  # each message most often alone
    }


def _of_channels(usage: Usage, prices: PriceTable, plans: Mapping[str, str]) -> Iterator[_Used]:
    channels = prices.channels.by_name()
    for (name, country), amount in sorted(usage.billed.items()):
        if name not in channels:
            continue  # LEFT_OUT says so
        channel, plan = channels[name], plans[name]
        if isinstance(channel, Channel):
            price = channel.plans[plan]
            yield _Used("channels", f"{name} ({plan})", price, amount)
            yield _fee(f"{name} ({plan})", price, usage)
        else:
            price = channel.plans[plan].price(country)
            where = country or "country unknown"
            yield _Used("channels", f"{name} ({plan}), {where}", price, amount)


def _fee(service: str, plan: Price, usage: Usage) -> _Used:
    """What a plan costs however much is sent; nothing for most."""
    fee = plan.model_copy(update={"unit": "months of the plan", "dollars": plan.monthly, "per": 1})
    return _Used("channels", service, fee, usage.seconds / _MONTH if plan.monthly else 0.0)


def _line(used: _Used, usage: Usage) -> Line:
    whole = used.price.of(used.amount)
    factor = 1.0 if used.monthly else _MONTH / usage.seconds
    return Line(
        group=used.group,
        service=used.service,
        unit=used.price.unit,
        amount=used.amount * factor,
        dollars=whole * factor,
        per_million=PerMillion(
            _per_million(whole, usage.customers),
            _per_million(whole, usage.entries),
            _per_million(whole, usage.messages),
        ),
        page=used.price.page,
        confirmed=used.price.confirmed,
        note=used.price.note,
    )


def _per_million(dollars: float, number: int) -> float | None:
    return dollars / number * 1_000_000 if number else None


def _total(group: str, lines: list[Line]) -> Total:
    rates = [each.per_million for each in lines]
    return Total(
        group,
        sum(each.dollars for each in lines),
        PerMillion(
            _sum([each.customers for each in rates]),
            _sum([each.entries for each in rates]),
            _sum([each.messages for each in rates]),
        ),
    )


def _sum(amounts: list[float | None]) -> float | None:
    known = [each for each in amounts if each is not None]
    return sum(known) if len(known) == len(amounts) else None


def _assumed(prices: PriceTable) -> Iterator[str]:
    each = prices.assumptions
    yield (
        f"a call to AWS inside a Region takes {each.call_seconds * 1000:g} ms, to a provider "
        f"{each.provider_seconds * 1000:g} ms, a function's own work {each.own_seconds * 1000:g} ms"
    )
    yield (
        f"functions have {each.function_memory_gb * 1024:g} MB, Express workflows are billed "
        f"{each.express_memory_gb * 1024:g} MB; cold starts are left out"
    )
    yield (
        f"apps send {each.events_per_request} events a request, "
        f"the router gets {each.events_per_batch} at once"
    )
    yield "providers charge for all that they took or may have taken, and not for what they refused"
    yield f"a month has {DAYS_PER_MONTH:g} days"


def _uncertain(usage: Usage, lines: tuple[Line, ...]) -> Iterator[str]:
    notes: dict[str, list[str]] = {}
    for each in lines:
        if not each.confirmed:
            notes.setdefault(each.note, []).append(f"{each.unit} ({each.service})")
    for note, priced in notes.items():
        yield f"the price of {', '.join(priced)}: {note}"
    if usage.metered.customers < usage.customers:
        yield (
            f"DynamoDB's units were measured on {usage.metered.customers:,} of "
            f"{usage.customers:,} customers and scaled by what causes them"
        )
    if missing := usage.unmeasured():
        yield f"DynamoDB's units were not measured, and are missing, of: {', '.join(missing)}"
