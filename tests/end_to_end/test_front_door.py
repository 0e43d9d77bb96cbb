"""Who may call and how often, by the template's own authorizer, plans and gateway responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.gateway import Response
from stepwell.aws.usage_plans import UsagePlans
from stepwell.aws.write_key_register import WriteKeyRegister
from stepwell.aws.write_keys import KEPT
from stepwell.events.model import EventType, from_message
from stepwell.events.sources import ALL_TYPES, usage_key
from tests.support.front_door import FrontDoor, engine_template
from tests.support.local_stack import ROOT
from tests.support.stage import Stage

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
CALL = {"userId": "ada", "event": "Counted"}


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Door(FrontDoor):
    """With sources of its own, and a second hand that the test moves."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, engine_template())
        self.seconds = Clock()
        self.gate.now = self.seconds
        self.made = iter(f"key-{number}" for number in range(100))
        usage = UsagePlans(stage.engine.client("apigateway"), "local")
        self.register = WriteKeyRegister(stage.store, usage, lambda: next(self.made))

    def add(self, source: str, **options: Any) -> tuple[str, str]:
        return self.register.add(source, options.pop("types", ALL_TYPES), NOW, **options)

    def later(self, by: timedelta) -> None:
        self.stage.engine.run_until(self.stage.engine.clock.now() + by)

    def throttle(self, plan: str, rate: int, burst: int) -> None:
        client = self.stage.engine.client("apigateway")
        found = {each["name"]: each["id"] for each in client.get_usage_plans()["items"]}
        client.update_usage_plan(
            usagePlanId=found[f"stepwell-local-{plan}"],
            patchOperations=[
                {"op": "replace", "path": "/throttle/rateLimit", "value": str(rate)},
                {"op": "replace", "path": "/throttle/burstLimit", "value": str(burst)},
            ],
        )

    def sources(self) -> list[str]:
        """Of the events that are queued."""
        sqs = self.stage.engine.client("sqs")
        found: list[str] = []
        while messages := sqs.receive_message(
            QueueUrl=self.stage.events_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for each in messages:
                found.append(from_message(each["Body"]).source)
                sqs.delete_message(
                    QueueUrl=self.stage.events_url, ReceiptHandle=each["ReceiptHandle"]
                )
        return found


@pytest.fixture
def door() -> Iterator[Door]:
    with Stage() as stage:
        yield Door(stage)


def said(answer: Response) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("code", "")


# ------------------------------------------------------------------------- who is calling


def test_the_source_is_the_one_of_the_write_key(door: Door) -> None:
    _, shop = door.add("shop")
    assert door.ask("/v1/track", CALL, key=shop).status == 200
    assert door.ask("/t", CALL, key=shop).status == 200
    assert door.sources() == ["shop", "shop"]


def test_an_unknown_key_is_401_as_ingest_says_it_and_a_page_may_read_it(door: Door) -> None:
    refused = door.ask("/v1/track", CALL, key="unknown")
    by_ingest = door.ask("/v1/track", CALL | {"writeKey": "unknown"}, key=None)
    assert refused.status == by_ingest.status == 401
    assert json.loads(refused.body) == json.loads(by_ingest.body)
    assert refused.headers["Access-Control-Allow-Origin"] == ["*"]
    assert door.sources() == []


def test_a_revoked_key_ends_within_a_minute(door: Door) -> None:
    key_id, shop = door.add("shop")
    assert door.ask("/v1/track", CALL, key=shop).status == 200
    door.register.revoke("shop", key_id, NOW)
    door.later(KEPT)
    assert said(door.ask("/v1/track", CALL, key=shop)) == (401, "unauthorized")


def test_a_key_sends_only_its_types(door: Door) -> None:
    _, web = door.add("web", types=frozenset({EventType.TRACK}))
    assert door.ask("/v1/track", CALL, key=web).status == 200
    assert said(door.ask("/v1/identify", {"userId": "ada"}, key=web)) == (403, "forbidden")


def test_a_key_in_the_body_is_looked_up_by_ingest(door: Door) -> None:
    _, web = door.add("web", types=frozenset({EventType.TRACK}))
    headers = {"Content-Type": "text/plain"}
    answer = door.ask("/v1/t", CALL | {"writeKey": web}, key=None, headers=headers)
    assert answer.status == 200
    answer = door.ask("/v1/i", {"userId": "ada", "writeKey": web}, key=None, headers=headers)
    assert answer.status == 403
    assert door.sources() == ["web"]


def test_a_key_of_another_source_in_the_body_counts_for_nothing(door: Door) -> None:
    _, shop = door.add("shop")
    _, web = door.add("web")
    assert door.ask("/v1/track", CALL | {"writeKey": web}, key=shop).status == 200
    assert door.sources() == ["shop"]


@pytest.mark.parametrize("name", ["source", "X-Source", "principalId", "x-api-key", "authorizer"])
def test_no_other_header_says_who_is_calling(door: Door, name: str) -> None:
    key = usage_key("local", "local", "standard")
    answer = door.ask("/v1/track", CALL, key=None, headers={name: "shop", "x-api-key": key})
    assert answer.status == 401


def test_a_preflight_needs_no_key(door: Door) -> None:
    answer = door.ask("/v1/t", key=None, method="OPTIONS")
    assert (answer.status, answer.body) == (204, b"")


def test_the_description_is_served_to_everybody_as_it_is_committed(door: Door) -> None:
    answer = door.ask("/v1/openapi.json", method="GET", key=None)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == ["application/json"]
    assert json.loads(answer.body) == json.loads((ROOT / "docs" / "openapi.json").read_text())


# ------------------------------------------------------------------------- how often


def burst(door: Door, count: int, key: str | None, **more: str) -> list[int]:
    return [door.ask("/v1/track", CALL | more, key=key).status for _ in range(count)]


def test_each_source_has_its_own_throttle_and_two_keys_share_it(door: Door) -> None:
    door.throttle("tier-standard", rate=2, burst=3)
    (_, old), (_, new), (_, web) = door.add("shop"), door.add("shop"), door.add("web")
    assert burst(door, 2, old) + burst(door, 2, new) == [200, 200, 200, 429]
    assert burst(door, 3, web) == [200, 200, 200]
    door.seconds.seconds += 1
    assert burst(door, 3, old) == [200, 200, 429]


def test_a_throttled_call_says_when_to_come_again(door: Door) -> None:
    door.throttle("tier-standard", rate=1, burst=1)
    _, shop = door.add("shop")
    burst(door, 1, shop)
    answer = door.ask("/v1/track", CALL, key=shop)
    assert said(answer) == (429, "throttled")
    assert answer.headers["Retry-After"] == ["1"]
    assert answer.headers["Access-Control-Allow-Origin"] == ["*"]
    assert answer.headers["Access-Control-Expose-Headers"] == ["Retry-After"]


def test_a_tier_has_its_own_plan_and_a_source_changes_it_without_a_gap(door: Door) -> None:
    door.throttle("tier-standard", rate=1, burst=1)
    door.throttle("tier-high", rate=1, burst=4)
    _, shop = door.add("shop")
    assert burst(door, 2, shop) == [200, 429]
    door.register.set_tier("shop", "high")
    door.seconds.seconds += 1
    assert burst(door, 2, shop) == [200, 429]  # for as long as the authorizer remembers it
    door.later(KEPT)
    assert burst(door, 5, shop) == [200, 200, 200, 200, 429]
    assert {each.tier for each in door.register.list_all()} == {"high"}


def test_calls_without_a_header_share_a_throttle_that_takes_nothing_from_the_others(
    door: Door,
) -> None:
    door.throttle("without-header", rate=1, burst=2)
    _, shop = door.add("shop")
    _, web = door.add("web")
    assert burst(door, 2, None, writeKey=web) == [200, 200]
    assert burst(door, 1, None, writeKey=shop) == [429]
    assert burst(door, 2, shop) == [200, 200]


def test_a_source_from_before_there_were_tiers_goes_on(door: Door) -> None:
    """Its item has no key to count by: it shares the throttle of calls without a header."""
    door.throttle("without-header", rate=1, burst=2)
    assert burst(door, 3, "local") == [200, 200, 429]


def test_a_source_whose_api_key_is_gone_may_send_again_later(door: Door) -> None:
    """Not the sender's fault: SDKs drop what gets a 403 and repeat what gets a 503."""
    _, shop = door.add("shop")
    UsagePlans(door.stage.engine.client("apigateway"), "local").close("shop")
    answer = door.ask("/v1/track", CALL, key=shop)
    assert said(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == ["1"]


def test_an_authorizer_that_fails_is_503(door: Door) -> None:
    def fails(_event: Any, _context: Any) -> Any:
        raise ConnectionError("no table")

    door.stage.engine.replace_function("stepwell-local-authorizer", fails)
    answer = door.ask("/v1/track", CALL)
    assert said(answer) == (503, "unavailable")
    assert b"table" not in answer.body
