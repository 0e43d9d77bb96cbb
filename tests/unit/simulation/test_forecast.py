from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stepwell.ports import Outgoing
from stepwell.simulation.costs.forecast import DAYS_PER_MONTH, Forecast, Line, forecast
from stepwell.simulation.costs.prices import PricesError, read_prices
from stepwell.simulation.costs.usage import Metered, Usage, billed
from stepwell.simulation.trace import Applied, Sending
from tests.support.simulations import Person

PRICES = read_prices()
MONTH = DAYS_PER_MONTH * 86_400
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CALLS = Counter(
    transition=9_000,
    express=2_000,
    event=4_000,
    start=1_000,
    stop=500,
    provider=1_500,
    plan=1_000,
    consent=2_000,
    frequency_cap=1_600,
    delivery=1_500,
)


def _metered(share: int = 1) -> Metered:
    """One call in `share` measured: a router's event takes 2 requests, 4 reads, 8 writes."""
    return Metered(
        requests=Counter(router=8_000 // share, consent=2_000 // share, delivery=4_500 // share),
        reads=Counter(router=16_000 // share, consent=8_000 // share),
        writes=Counter(router=32_000 // share, delivery=9_000 // share, state_machine=900 // share),
        calls=Counter({name: number // share for name, number in CALLS.items()}),
        customers=1_000 // share,
        stored_bytes=1024**3 // share,
    )


def _usage(**changes: object) -> Usage:
    usage = Usage(
        seconds=MONTH,
        customers=1_000,
        entries=1_000,
        messages=1_500,
        calls=CALLS,
        metered=_metered(),
        billed=Counter({("email", ""): 1_000, ("push", ""): 300, ("sms", "GB"): 400}),
    )
    return replace(usage, **changes)  # type: ignore[arg-type]  # by the tests' own names


def _line(found: Forecast, service: str, unit: str = "") -> Line:
    (line,) = (each for each in found.lines if each.service == service and unit in each.unit)
    return line


def test_a_month_costs_its_units_times_their_prices() -> None:
    found = forecast(_usage(), PRICES)
    assert _line(found, "Step Functions", "transitions").dollars == pytest.approx(0.225)
    assert _line(found, "DynamoDB", "write").amount == 32_000 + 9_000 + 900
    assert _line(found, "DynamoDB", "write").dollars == pytest.approx(41_900 * 0.625e-6)
    assert _line(found, "API Gateway").amount == 4_000 / 20
    assert _line(found, "SQS").amount == 3 * 4_000 / 10
    assert _line(found, "email (essentials)").dollars == pytest.approx(0.16)
    assert _line(found, "sms (aws), GB").dollars == pytest.approx(400 * 0.0402)


def test_lambda_is_paid_for_its_runs_and_assumed_times() -> None:
    found = forecast(_usage(), PRICES)
    runs = 1_000 + 2_000 + 1_600 + 1_500 + 400 + 200 + 200  # a call asks authorizer and ingest
    assert _line(found, "Lambda", "invocations").amount == pytest.approx(runs)
    calls = 8_000 + 1_500 + 2_000 + 4_500 + 400  # router with its commands, two functions, ingest
    puts = 400  # the router writes each batch to the archive
    seconds = calls * 0.006 + (1_500 + 300) * 0.1 + puts * 0.03 + runs * 0.004
    assert _line(found, "Lambda", "GB-seconds").amount == pytest.approx(seconds * 0.5)
    sending = (2_000 + 4_500) * 0.006 + 1_800 * 0.1 + (2_000 + 1_600 + 1_500) * 0.004
    assert _line(found, "S3", "PUT requests").amount == pytest.approx(puts)
    express = _line(found, "Step Functions", "GB-seconds")
    assert express.amount == pytest.approx(sending * 0.0625)


def test_other_lengths_are_scaled_to_a_month_but_not_what_is_stored() -> None:
    month, two = forecast(_usage(), PRICES), forecast(_usage(seconds=2 * MONTH), PRICES)
    for one, half in zip(month.lines, two.lines, strict=True):
        stored = "GB-months" in one.unit
        assert half.dollars == pytest.approx(one.dollars if stored else one.dollars / 2)
        assert half.per_million == one.per_million
    assert two.days == pytest.approx(2 * DAYS_PER_MONTH)


def test_measured_part_is_scaled_to_the_whole_by_what_causes_it() -> None:
    whole, part = forecast(_usage(), PRICES), forecast(_usage(metered=_metered(10)), PRICES)
    for one, other in zip(whole.lines, part.lines, strict=True):
        assert other.dollars == pytest.approx(one.dollars)
    assert any("measured on 100 of 1,000 customers" in each for each in part.uncertain)
    assert not any("measured on" in each for each in whole.uncertain)


def test_what_was_not_measured_is_said() -> None:
    metered = _metered()
    del metered.calls["consent"]
    found = forecast(_usage(metered=metered), PRICES)
    assert found.uncertain[-1].endswith("are missing, of: consent")


def test_plans_change_the_channels_alone() -> None:
    dear, cheap = forecast(_usage(), PRICES), forecast(_usage(), PRICES, {"email": "a_la_carte"})
    assert _line(cheap, "email (a_la_carte)").dollars == pytest.approx(0.10)
    assert dear.totals[0] == cheap.totals[0]
    assert dear.totals[1].dollars - cheap.totals[1].dollars == pytest.approx(0.06)
    assert cheap.plans["email"] == "a_la_carte"
    with pytest.raises(PricesError, match="email has no plan gold"):
        forecast(_usage(), PRICES, {"email": "gold"})


def test_prices_with_one_source_are_said_together() -> None:
    said = forecast(_usage(), PRICES, {"email": "pro"}).uncertain
    (email,) = (each for each in said if "email" in each)
    assert "emails (email (pro)), months of the plan (email (pro)): AWS's price list" in email


def test_plan_with_a_monthly_fee_costs_it_whatever_is_sent() -> None:
    for months in (1, 3):
        found = forecast(_usage(seconds=months * MONTH), PRICES, {"email": "pro"})
        fee = _line(found, "email (pro)", "months")
        assert (fee.amount, fee.dollars) == pytest.approx((1, 105.0))
        assert fee.per_million.customers == pytest.approx(months * 105 * 1_000)
        assert _line(found, "email (pro)", "emails").dollars == pytest.approx(0.22 / months)
    no_email = forecast(_usage(billed=Counter({("push", ""): 1})), PRICES, {"email": "pro"})
    assert not any("email" in each.service for each in no_email.lines)


def test_totals_are_the_sums_of_lines() -> None:
    found = forecast(_usage(), PRICES)
    aws, channels, everything = found.totals
    assert [each.group for each in found.totals] == ["aws", "channels", "all"]
    assert everything.dollars == pytest.approx(aws.dollars + channels.dollars)
    assert everything.dollars == pytest.approx(sum(each.dollars for each in found.lines))
    assert everything.per_million.messages == pytest.approx(everything.dollars / 1_500 * 1e6)


def test_unconfirmed_prices_that_count_are_said_and_others_not() -> None:
    said = forecast(_usage(), PRICES).uncertain
    assert any("price of SMS segments (sms (aws), GB): from memory" in each for each in said)
    assert not any("US" in each for each in said)
    email = forecast(_usage(billed=Counter({("email", ""): 1})), PRICES).uncertain
    assert not any("email" in each for each in email)


def test_nothing_entered_has_no_price_per_million_entries() -> None:
    found = forecast(_usage(entries=0), PRICES)
    assert found.totals[2].per_million.entries is None
    assert found.totals[2].per_million.customers is not None


def test_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no time was simulated"):
        forecast(_usage(seconds=0), PRICES)


def test_forecast_is_plain_data() -> None:
    found = forecast(_usage(), PRICES)
    assert json.loads(json.dumps(found.as_json()))["as_of"] == "2026-11-22"


def test_providers_bill_what_they_took_or_may_have_taken() -> None:
    def sending(channel: str, address: str, result: str, body: str = "Hello") -> Sending:
        return Sending(NOON, Outgoing("m", channel, address, {"body": body}, {}), result)

    found = billed(
        [
            sending("sms", "+447700900001", "accepted", "a" * 161),
            sending("sms", "+12025550123", "unknown"),
            sending("sms", "+12025550123", "InvalidNumber"),
            sending("sms", "no number", "accepted"),
            sending("sms", "+80012345678", "accepted"),  # of no country
            sending("email", "ada@example.com", "accepted"),
            sending("push", "token", "accepted"),
        ]
    )
    assert found == {
        ("sms", "GB"): 2,
        ("sms", "US"): 1,
        ("sms", ""): 2,
        ("email", ""): 1,
        ("push", ""): 1,
    }


def test_number_of_no_country_is_priced_by_what_the_customer_says() -> None:
    ada = Person()
    applied = [
        Applied(NOON, "c1", each, 0)
        for each in (ada.identify(country="DE"), ada.identify(country="fr"), ada.cart("c"))
    ]
    outgoing = Outgoing("m", "sms", "+99900000001", {"body": "Hello"}, {"customer": "c1"})
    known = replace(outgoing, address="+12025550123")
    sendings = [Sending(NOON, each, "accepted") for each in (outgoing, known)]
    assert billed(sendings, applied) == {("sms", "FR"): 1, ("sms", "US"): 1}
    assert billed(sendings) == {("sms", ""): 1, ("sms", "US"): 1}
