"""The shipped replay is what its generator makes of the shipped orders, and can reach nobody."""

import csv
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from events.replays.make_replay import make_calls, read_orders, write_replay

FOLDER = Path("events/replays/first_two_days")
HEADER = (
    "invoice,time,customer,country,kind,lines,quantity,total_gbp,top_stock_code,top_description"
)
FICTIONAL_PHONE = re.compile(r"\+447700900\d{3}|\+3363998\d{4}|\+121255501\d{2}")


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    text = (FOLDER / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_replay_is_what_the_generator_makes() -> None:
    assert (FOLDER / "events.jsonl").read_text(encoding="utf-8") == write_replay(FOLDER)


def test_replay_is_in_the_order_of_time_with_distinct_message_ids(
    calls: list[dict[str, Any]],
) -> None:
    times = [call["timestamp"] for call in calls]
    assert times == sorted(times)
    assert max(Counter(call["messageId"] for call in calls).values()) == 1


def test_every_invoice_is_one_event_with_its_total(calls: list[dict[str, Any]]) -> None:
    with (FOLDER / "orders.csv").open(encoding="utf-8", newline="") as lines:
        rows = {f"invoice-{row['invoice']}": row for row in csv.DictReader(lines)}
    invoices = {call["messageId"]: call for call in calls if call["messageId"] in rows}
    assert invoices.keys() == rows.keys()
    for message_id, row in rows.items():
        assert invoices[message_id]["properties"]["total"] == abs(float(row["total_gbp"]))
        assert ("userId" in invoices[message_id]) == bool(row["customer"])


def test_every_event_is_as_its_schema_says(calls: list[dict[str, Any]]) -> None:
    documents = [json.loads(path.read_text()) for path in Path("events/schemas").glob("*.json")]
    schemas = {document["title"]: Draft202012Validator(document) for document in documents}
    tracked = [call for call in calls if call["type"] == "track"]
    assert tracked
    for call in tracked:
        schemas[call["event"]].validate(call["properties"])


def test_nobody_can_be_reached(calls: list[dict[str, Any]]) -> None:
    traits = [call["traits"] for call in calls if call["type"] == "identify"]
    assert all(re.fullmatch(r"[a-z0-9-]+@example\.(com|org|net)", each["email"]) for each in traits)
    phones = [each["phone"] for each in traits if "phone" in each]
    assert all(FICTIONAL_PHONE.fullmatch(phone) for phone in phones)
    assert len(phones) == len(set(phones)) > 100


def test_dress_lies_in_the_cart_on_a_tuesday_at_14_past_nine(calls: list[dict[str, Any]]) -> None:
    added = next(call for call in calls if call["messageId"] == "cart-280-dress")
    local = datetime.fromisoformat(added["timestamp"]).astimezone(ZoneInfo("America/New_York"))
    assert (local.strftime("%A %H:%M"), added["properties"]["cart_value"]) == ("Tuesday 21:14", 280)


def test_adjustments_are_left_out() -> None:
    rows = [
        HEADER,
        "1,2010-12-01 09:00:00,7,United Kingdom,order,1,-4,0.0,X,broken",
        "2,2010-12-01 09:00:00,7,United Kingdom,adjustment,1,4,10.0,X,found again",
        "3,2010-12-01 09:00:00,7,United Kingdom,order,1,4,10.0,X,sold",
    ]
    assert [order.invoice for order in read_orders(rows)] == ["3"]


def test_cancellation_names_the_customers_latest_order_else_itself() -> None:
    rows = [
        HEADER,
        "C1,2010-12-01 09:00:00,7,United Kingdom,cancelled,1,-1,-5.0,X,cup",
        "2,2010-12-01 09:01:00,7,United Kingdom,order,1,4,10.0,X,cup",
        "3,2010-12-01 09:02:00,8,United Kingdom,order,1,4,10.0,X,cup",
        "C4,2010-12-01 09:03:00,7,United Kingdom,cancelled,1,-1,-5.0,X,cup",
    ]
    cancelled = [
        call["properties"]["order_id"]
        for call in make_calls(read_orders(rows))
        if call.get("event") == "Order Cancelled"
    ]
    assert cancelled == ["C1", "2"]
