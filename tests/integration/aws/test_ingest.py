"""The ingest function as API Gateway calls it, with its table and queue on moto."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from stepwell.aws.write_keys import hash_write_key
from stepwell.customers import keys
from stepwell.storage.operations import Put
from tests.support.stage import PREFIX, Stage

GOOD = {"type": "track", "userId": "ada", "event": "Product Viewed", "messageId": "m-1"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def post(stage: Stage, path: str, body: bytes, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """The answer's status, document and headers."""
    try:
        content, is_base64 = body.decode(), False
    except UnicodeDecodeError:
        content, is_base64 = base64.b64encode(body).decode(), True
    event = {
        "path": path,
        "httpMethod": "POST",
        "headers": {name.replace("_", "-"): value for name, value in headers.items()} or None,
        "body": content or None,
        "isBase64Encoded": is_base64,
    }
    answer: dict[str, Any] = stage.engine.invoke(PREFIX + "ingest", event)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def with_key(document: dict[str, Any], key: str = "local") -> bytes:
    return json.dumps(document | {"writeKey": key}).encode()


def queued(stage: Stage) -> list[Any]:
    """What lies in the queue, and is taken from it."""
    queue = stage.engine.client("sqs")
    found: list[Any] = []
    while messages := queue.receive_message(QueueUrl=stage.events_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for each in messages:
            found.append(json.loads(each["Body"]))
            queue.delete_message(QueueUrl=stage.events_url, ReceiptHandle=each["ReceiptHandle"])
    return found


@pytest.mark.parametrize("path", ["/v1/track", "/v1/t", "/t", "/v1/track/"])
def test_paths_of_sdks_lead_to_the_same_call(stage: Stage, path: str) -> None:
    status, document, headers = post(stage, path, with_key(GOOD | {"messageId": path}))
    assert (status, document) == (200, {"success": True})
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert [each["name"] for each in queued(stage)] == ["Product Viewed"]


def test_a_gzipped_body_comes_as_base64_where_the_gateway_leaves_it(stage: Stage) -> None:
    body = gzip.compress(with_key(GOOD | {"messageId": "gzip"}))
    assert post(stage, "/v1/track", body, Content_Encoding="gzip")[0] == 200
    assert len(queued(stage)) == 1


def test_a_batch_queues_its_good_events_in_order(stage: Stage) -> None:
    calls = [GOOD | {"messageId": f"b-{number}"} for number in range(25)]
    calls[3] = {"type": "track", "userId": "ada"}
    status, document, _ = post(stage, "/v1/import/", with_key({"batch": calls}))
    assert status == 200
    assert (document["accepted"], document["rejected"]) == (24, 1)
    assert [each["id"] for each in queued(stage)] == [
        f"b-{number}" for number in range(25) if number != 3
    ]


def test_an_empty_body_is_refused_and_not_an_error(stage: Stage) -> None:
    assert post(stage, "/v1/track", b"")[0] == 400


def test_a_key_for_some_calls_is_403_for_others(stage: Stage) -> None:
    item = {"source": "web", "types": ["page"]}
    stage.store.write(Put(keys.write_key(hash_write_key("web-key")), item))
    assert post(stage, "/v1/track", with_key(GOOD, "web-key"))[0] == 403
    page = {"anonymousId": "a", "name": "Home"}
    assert post(stage, "/v1/page", with_key(page, "web-key"))[0] == 200
    assert [each["source"] for each in queued(stage)] == ["web"]


def browser_settings(stage: Stage, key: str) -> tuple[int, Any, dict[str, str]]:
    """What a browser gets at the API's own address, which has the stage in it."""
    event = {
        "resource": "/v1/projects/{write_key}/settings",
        "path": f"/v1/projects/{key}/settings",
        "httpMethod": "GET",
        "headers": {"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        "pathParameters": {"write_key": key},
        "requestContext": {
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "path": f"/prod/v1/projects/{key}/settings",
        },
        "body": None,
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = stage.engine.invoke(PREFIX + "ingest", event)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_browsers_load_the_settings_of_a_write_key(stage: Stage) -> None:
    status, document, headers = browser_settings(stage, "local")
    assert status == 200
    stepwell = document["integrations"]["Segment.io"]
    assert stepwell["apiHost"] == "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod/v1"
    assert (stepwell["apiKey"], stepwell["protocol"]) == ("local", "https")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "public, max-age=3600"
    assert queued(stage) == []


@pytest.mark.parametrize("key", ["nobodys", "revoked-key"])
def test_there_are_no_settings_for_a_key_that_is_unknown_or_revoked(stage: Stage, key: str) -> None:
    item = {"source": "web", "revoked_at": "2026-11-24T00:00:00Z"}
    stage.store.write(Put(keys.write_key(hash_write_key("revoked-key")), item))
    status, document, headers = browser_settings(stage, key)
    assert (status, document["code"], document["success"]) == (404, "not_found", False)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cache-Control"] == "no-store"


def test_a_known_event_is_held_to_its_schema_and_to_the_version_it_names(stage: Stage) -> None:
    added = {"userId": "ada", "event": "Product Added", "properties": {"price": "9.50"}}
    status, document, _ = post(stage, "/v1/track", with_key(added))
    assert status == 400
    assert document["errors"] == [
        {"field": "properties.cart_id", "message": "is required"},
        {"field": "properties.price", "message": "must be a number"},
    ]
    later = {"context": {"protocols": {"event_version": 7}}}
    _, document, _ = post(stage, "/v1/track", with_key(GOOD | later))
    assert [each["field"] for each in document["errors"]] == ["context.protocols.event_version"]
    assert queued(stage) == []


def test_names_that_a_sender_chose_are_not_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    people = [{"product_id": 1, "ada@example.com": 2}]
    order = {"order_id": "1", "total": 1, "products": people}
    bad = {"userId": "ada", "event": "Order Completed", "properties": order}
    assert post(stage, "/v1/track", with_key(bad))[0] == 400
    [record] = caplog.records
    assert vars(record)["fields"] == ["properties"]
    assert not re.search(r"\bada\b", str(vars(record)))


def test_an_unknown_event_is_accepted_by_default(stage: Stage) -> None:
    assert post(stage, "/v1/track", with_key(GOOD | {"event": "Sneezed"}))[0] == 200
    assert len(queued(stage)) == 1


def test_a_queue_that_is_not_there_is_503(stage: Stage) -> None:
    """Last, for it takes the queue away."""
    stage.engine.client("sqs").delete_queue(QueueUrl=stage.events_url)
    status, document, _ = post(stage, "/v1/track", with_key(GOOD))
    assert (status, document["code"]) == (503, "unavailable")
