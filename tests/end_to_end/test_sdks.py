"""Segment's own SDKs, unchanged, with only host and key set, against the local stack over HTTP."""

import base64
import http.client
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from segment.analytics.client import Client

from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.local_stack import ROOT, Stack, customer, make, stays, write_key

BASIC = "Basic " + base64.b64encode(b"local:").decode()


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    make("synth", "sdks")
    stack = Stack(REPLAY="none", SPEED="1")
    try:
        stack.read_until("Ctrl-C ends it all")
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.end()
        stack.process.wait()


@pytest.fixture
def url(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.port}"


# ------------------------------------------------------------------------- Python


class Gave:
    """What the SDK gave up on."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def __call__(self, error: Exception, _batch: Any) -> None:
        self.errors.append(error)


def python(url: str, gave: Gave, key: str = "local", **settings: Any) -> Client:
    return Client(key, host=url, on_error=gave, upload_interval=0.1, **settings)


@pytest.mark.parametrize("packed", [False, True])
def test_python_all_calls_reach_the_profile(stack: Stack, url: str, packed: bool) -> None:
    gave, user = Gave(), f"python-{packed}"
    client = python(url, gave, gzip=packed)
    client.identify(user, {"email": "ada@example.com", "plan": "free"}, anonymous_id=f"{user}-web")
    client.group(user, "acme", {"name": "Acme Ltd", "plan": "pro"})
    client.page(user, "Plans", "Pricing", {"url": "https://shop.example/pricing"})
    client.screen(user, None, "Home")
    client.alias(f"{user}-before", user)
    client.track(user, "Product Added", {"cart_id": "c", "price": 280, "cart_value": 280})
    client.flush()
    client.shutdown()
    assert gave.errors == []
    found = customer(stack, user, 6)
    profile = found["profile"]
    assert profile["seq"] == 6
    assert profile["traits"] == {"email": "ada@example.com", "plan": "free"}
    assert profile["addresses"] == {"email": "ada@example.com"}
    assert profile["anonymous_ids"] == [f"{user}-web"]
    assert profile["groups"] == {"acme": {"name": "Acme Ltd", "plan": "pro"}}
    assert profile["previous_ids"] == [f"{user}-before"]
    stack.wait_for(user, "cart_abandonment")


def test_python_a_shutdown_sends_what_is_left(stack: Stack, url: str) -> None:
    gave = Gave()
    client = python(url, gave, upload_size=7)
    for number in range(40):
        client.track("python-shutdown", "Counted", {"number": number})
    client.shutdown()
    assert gave.errors == []
    stays(stack, "python-shutdown", 40)


def test_python_sends_again_and_each_event_counts_once(stack: Stack, url: str) -> None:
    gave = Gave()
    with FaultyProxy(stack.port, Fault.BUSY, Fault.LOST, Fault.CUT) as proxy:
        client = python(proxy.url, gave, upload_size=3)
        for number in range(3):
            client.track("python-retry", "Counted", {"number": number})
        client.shutdown()
    assert gave.errors == []
    assert [each.answered for each in proxy.seen] == [503, 503, 503, 200]
    assert len({each["messageId"] for seen in proxy.seen for each in seen.body["batch"]}) == 3
    assert {seen.path for seen in proxy.seen} == {"/v1/batch"}
    assert proxy.seen[-1].headers["authorization"] == BASIC
    stays(stack, "python-retry", 3)


def test_python_does_not_send_again_what_is_refused(stack: Stack) -> None:
    gave = Gave()
    with FaultyProxy(stack.port) as proxy:
        client = python(proxy.url, gave, key="unknown")
        client.track("python-nobody", "Counted")
        client.shutdown()
    assert [each.answered for each in proxy.seen] == [401]
    (error,) = gave.errors
    assert "known write key" in str(error)


def test_python_one_bad_event_does_not_take_the_others_along(stack: Stack, url: str) -> None:
    gave = Gave()
    client = python(url, gave)
    client.track("python-part", "Counted")
    client.track("python-part", "Consent Updated", {"purpose": "marketing"})
    client.track("python-part", "Counted")
    client.shutdown()
    assert gave.errors == []
    stays(stack, "python-part", 2)


def test_python_a_batch_as_large_as_it_makes_them_is_taken(stack: Stack) -> None:
    gave = Gave()
    with FaultyProxy(stack.port) as proxy:
        client = Client("local", host=proxy.url, on_error=gave, upload_interval=2)
        for number in range(30):
            client.track("python-large", "Counted", {"text": "x" * 20_000, "number": number})
        client.shutdown()
    assert gave.errors == []
    assert max(len(json.dumps(each.body)) for each in proxy.seen) > 475_000
    customer(stack, "python-large", 30)


def test_python_sends_with_a_key_that_an_operator_adds(stack: Stack, url: str) -> None:
    """A key for some calls: those count, of the others the batch says why they do not."""
    key = write_key(stack, "add", "phone", "--types", "track")["key"]
    gave = Gave()
    client = python(url, gave, key=key)
    client.identify("python-phone", {"plan": "free"})
    client.track("python-phone", "Counted")
    client.flush()
    client.identify("python-phone", {"plan": "free"})
    client.shutdown()
    (error,) = gave.errors
    assert "may not send identify" in str(error)
    stack.call("/v1/track", {"userId": "python-phone", "event": "Last"})
    assert customer(stack, "python-phone", 2)["profile"]["traits"] == {}


# ------------------------------------------------------------------------- Node


def node(url: str, *calls: tuple[str, dict[str, Any]], end: str = "close", **settings: Any) -> Any:
    """Run the SDK in a process of its own: {events, errors}."""
    given = {
        "settings": {"writeKey": "local", "host": url, **settings},
        "calls": calls,
        "end": end,
    }
    done = subprocess.run(
        ["node", "send.mjs"],
        cwd=ROOT / "tests" / "sdks",
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("end", ["flush", "close"])
def test_node_all_calls_reach_the_profile(stack: Stack, url: str, end: str) -> None:
    user = f"node-{end}"
    who = {"userId": user}
    said = node(
        url,
        ("identify", who | {"anonymousId": f"{user}-web", "traits": {"email": "ada@example.com"}}),
        ("group", who | {"groupId": "acme", "traits": {"plan": "pro"}}),
        (
            "page",
            who | {"category": "Plans", "name": "Pricing", "properties": {"url": "https://x"}},
        ),
        ("screen", who | {"name": "Home"}),
        ("alias", who | {"previousId": f"{user}-before"}),
        (
            "track",
            who | {"event": "Product Added", "properties": {"cart_id": "c", "cart_value": 280}},
        ),
        end=end,
    )
    assert said == {"events": 6, "errors": []}
    profile = customer(stack, user, 6)["profile"]
    assert profile["seq"] == 6
    assert profile["traits"] == {"email": "ada@example.com"}
    assert profile["anonymous_ids"] == [f"{user}-web"]
    assert profile["groups"] == {"acme": {"plan": "pro"}}
    assert profile["previous_ids"] == [f"{user}-before"]
    stack.wait_for(user, "cart_abandonment")


def test_node_sends_again_and_each_event_counts_once(stack: Stack) -> None:
    calls = [
        ("track", {"userId": "node-retry", "event": "Counted", "properties": {"number": number}})
        for number in range(3)
    ]
    with FaultyProxy(stack.port, Fault.BUSY, Fault.LOST, Fault.CUT) as proxy:
        said = node(proxy.url, *calls)
    assert said == {"events": 3, "errors": []}
    assert [each.answered for each in proxy.seen] == [503, 503, 503, 200]
    assert [each.headers.get("x-retry-count") for each in proxy.seen] == [None, "1", "2", "3"]
    assert {(seen.path, seen.headers["authorization"]) for seen in proxy.seen} == {
        ("/v1/batch", BASIC)
    }
    stays(stack, "node-retry", 3)


def test_node_does_not_send_again_what_is_refused(stack: Stack) -> None:
    call = ("track", {"userId": "node-nobody", "event": "Counted"})
    with FaultyProxy(stack.port) as proxy:
        said = node(proxy.url, call, writeKey="unknown")
    assert [each.answered for each in proxy.seen] == [401]
    assert len(said["errors"]) == 1
    assert "401" in said["errors"][0]


def test_node_many_events_go_in_many_batches(stack: Stack) -> None:
    calls = [("track", {"userId": "node-many", "event": "Counted"}) for _ in range(40)]
    with FaultyProxy(stack.port) as proxy:
        said = node(proxy.url, *calls, flushAt=7)
    assert said == {"events": 40, "errors": []}
    assert len(proxy.seen) == 6
    stays(stack, "node-many", 40)


# ------------------------------------------------------------------------- browsers


def browser(stack: Stack, method: str, path: str, body: str, **headers: str) -> Any:
    """A request as a page's script makes it: (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, {"Origin": "https://shop.example", **sent})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/v1/t", "/t", "/v1/b", "/b"])
def test_browser_a_preflight_lets_the_sdk_send(stack: Stack, path: str) -> None:
    asked = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "authorization,content-type,x-retry-count",
    }
    status, headers, _ = browser(stack, "OPTIONS", path, "", **asked)
    assert status == 204
    assert headers["access-control-allow-origin"] == "*"
    allowed = headers["access-control-allow-headers"].lower().split(",")
    assert {"authorization", "content-type", "x-retry-count"} <= set(allowed)
    assert "POST" in headers["access-control-allow-methods"]


@pytest.mark.parametrize(("path", "authorization"), [("/v1/t", BASIC), ("/t", ""), ("/v1/t", "")])
def test_browser_text_is_taken_with_the_key_in_header_or_body(
    stack: Stack, path: str, authorization: str
) -> None:
    call = {"anonymousId": "browser", "event": "Counted", "writeKey": "local", "userId": None}
    more = {"Authorization": authorization} if authorization else {}
    status, headers, body = browser(
        stack, "POST", path, json.dumps(call), Content_Type="text/plain", **more
    )
    assert (status, json.loads(body)) == (200, {"success": True})
    assert headers["access-control-allow-origin"] == "*"


def test_browser_a_page_may_read_why_it_was_refused(stack: Stack) -> None:
    status, headers, body = browser(stack, "POST", "/v1/t", "{}", Content_Type="text/plain")
    assert (status, json.loads(body)["code"]) == (401, "unauthorized")
    assert headers["access-control-allow-origin"] == "*"
    status, headers, body = browser(stack, "POST", "/v1/t", "x", Content_Encoding="gzip")
    assert (status, json.loads(body)["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert headers["access-control-allow-origin"] == "*"


def test_browser_the_settings_lead_to_the_stack_that_was_asked(stack: Stack) -> None:
    status, headers, body = browser(stack, "GET", "/v1/projects/local/settings", "")
    assert status == 200
    stepwell = json.loads(body)["integrations"]["Segment.io"]
    assert (stepwell["protocol"], stepwell["apiHost"]) == ("http", f"127.0.0.1:{stack.port}/v1")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "public, max-age=3600"
    status, headers, body = browser(stack, "GET", "/v1/projects/unknown/settings", "")
    assert (status, json.loads(body)["code"]) == (404, "not_found")
    assert headers["access-control-allow-origin"] == "*"
