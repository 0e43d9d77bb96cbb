"""A visitor under way in a journey turns out to be a known user: real handlers on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.customers.people import load_person
from stepwell.storage.operations import Item, TableName
from stepwell.timestamps import to_text
from tests.support.races import together
from tests.support.stage import PREFIX, TUESDAY, Stage

CART = {"cart_id": "c", "product_id": "p", "name": "Dress", "price": 280.0, "cart_value": 280.0}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        stage.identify(timezone="Europe/London", email="ada@example.com", first_name="Ada")
        yield stage


def send(stage: Stage, kind: str, number: str, **fields: Any) -> None:
    moment = to_text(stage.engine.clock.now())
    document = {"messageId": f"{kind}-{number}", "timestamp": moment} | fields
    answer = stage.call(kind, document)
    assert answer["statusCode"] == 200, answer
    assert stage.deliver() == {"batchItemFailures": []}
    stage.engine.settle()


def body(stage: Stage, number: str, **fields: Any) -> str:
    """A call's queue message, taken from the queue."""
    moment = to_text(stage.engine.clock.now())
    document = {"messageId": number, "timestamp": moment, "event": "Seen"} | fields
    assert stage.call("track", document)["statusCode"] == 200
    queue = stage.engine.client("sqs")
    (message,) = queue.receive_message(QueueUrl=stage.events_url)["Messages"]
    queue.delete_message(QueueUrl=stage.events_url, ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])


def enrollments(stage: Stage) -> list[tuple[str, Item]]:
    """(customer, item) of the cart journey's, of ada under all her ids."""
    person = load_person(stage.store, stage.customer())
    return [
        (customer, item)
        for customer, name, item in person.all_enrollments()
        if name.startswith("cart_abandonment#")
    ]


def owner(stage: Stage, device: str) -> str:
    answer = stage.engine.invoke(PREFIX + "admin", {"pathParameters": {"id": device}})
    return str(json.loads(answer["body"])["customer"])


def test_a_visitor_s_cart_is_written_to_the_user_they_turn_out_to_be(stage: Stage) -> None:
    stage.grant("email")
    send(stage, "track", "1", anonymousId="phone", event="Product Added", properties=CART)
    visitor = owner(stage, "phone")
    assert visitor != stage.customer()
    stage.engine.run_until(TUESDAY + timedelta(minutes=10))
    send(stage, "identify", "2", userId="ada", anonymousId="phone", traits={"last_name": "L"})
    assert owner(stage, "phone") == stage.customer()
    assert [customer for customer, _ in enrollments(stage)] == [visitor]
    stage.engine.run_until_idle()
    (answer,) = [
        stage.engine.invoke(PREFIX + "admin", {"pathParameters": {"id": "Ada@Example.com"}})
    ]
    shown = json.loads(answer["body"])
    assert shown["customer"] == stage.customer()
    assert {each["status"] for each in shown["messages"]} == {"sent"}
    assert {each["channel"] for each in shown["messages"]} == {"email"}
    assert [each["customer"] for each in shown["merged"]] == [visitor]
    assert [each["outcome"] for each in shown["finished"]] == ["completed"]


def test_an_order_of_the_user_ends_the_visitor_s_cart_in_its_hold(stage: Stage) -> None:
    send(stage, "track", "1", anonymousId="phone", event="Product Added", properties=CART)
    send(stage, "alias", "2", userId="ada", previousId="phone")
    stage.track("Order Completed", order_id="o", revenue=280.0)
    stage.engine.run_until_idle()
    ((_, enrollment),) = enrollments(stage)
    assert enrollment["outcome"] == "converted"
    person = load_person(stage.store, stage.customer())
    (former,) = (person.profile or {})["former"]
    conversions = stage.store.query(
        TableName.RECORDS, keys.partition(former), prefix=keys.CONVERSION_PREFIX
    )
    assert [each["value"] for each in conversions] == [280.0]


def test_racing_first_events_of_two_devices_with_one_email_make_one_customer(
    stage: Stage,
) -> None:
    for turn in range(3):
        email = f"new-{turn}@example.com"
        bodies = []
        for device in range(4):
            document = {
                "messageId": f"{turn}-{device}",
                "anonymousId": f"d{turn}-{device}",
                "traits": {"email": email},
            }
            assert stage.call("identify", document)["statusCode"] == 200
            queue = stage.engine.client("sqs")
            (message,) = queue.receive_message(QueueUrl=stage.events_url)["Messages"]
            queue.delete_message(QueueUrl=stage.events_url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(str(message["Body"]))
        together(*(partial(stage.route, [each]) for each in bodies))
        owners = {owner(stage, f"d{turn}-{device}") for device in range(4)}
        assert len(owners) == 1
        found = [item for item in scan(stage, "IDENTITY#email") if item["customer"] in owners]
        assert len(found) == 1


def scan(stage: Stage, prefix: str) -> list[Any]:
    client = stage.engine.client("dynamodb")
    found = client.scan(TableName=PREFIX + "customers")["Items"]
    return [
        {"customer": each["customer"]["S"]} for each in found if each["pk"]["S"].startswith(prefix)
    ]


def test_a_join_races_with_events_of_both_and_with_the_arming(stage: Stage) -> None:
    for turn in range(4):
        cart = CART | {"cart_id": f"cart-{turn}"}
        device = f"device-{turn}"
        begins = body(stage, f"b{turn}", anonymousId=device, event="Product Added", properties=cart)
        joins = body(stage, f"j{turn}", userId="ada", anonymousId=device)
        orders = body(
            stage,
            f"o{turn}",
            userId="ada",
            event="Order Completed",
            properties={"order_id": "o", "revenue": 1.0},
        )
        seen = body(stage, f"s{turn}", anonymousId=device)
        assert stage.route([begins]) == {"batchItemFailures": []}
        calls = [partial(stage.route, [each]) for each in (joins, orders, seen)]
        together(*calls)
        stage.engine.settle()
        assert owner(stage, device) == stage.customer()
        # Whatever came first, a further order ends what goes on, and no execution is left.
        stage.track("Order Completed", order_id=f"last-{turn}", revenue=1.0)
        stage.engine.run_until_idle()
        assert {item["status"] for _, item in enrollments(stage)} == {"ended"}
