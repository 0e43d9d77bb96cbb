"""Calls that nobody sends by mistake: each gets a clear answer, soon, and leaves nothing behind.

They go through the template's own gateway, authorizer and ingest, in this process.
"""

from __future__ import annotations

import gc
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local.authorizing import Plan
from infra.local.gateway import Request, Response
from tests.support.free_queue import FreeQueue, free_queue
from tests.support.front_door import FrontDoor, basic, engine_template
from tests.support.stage import Stage

KB = 1024
MB = 1024 * KB
AT_ONCE = 10.0
"""Seconds: far more than any of these takes on a busy machine, far less than for ever."""

GOOD: dict[str, Any] = {"userId": "ada", "event": "A"}


def track(**more: Any) -> bytes:
    return json.dumps(GOOD | more).encode()


def raw(properties: str) -> bytes:
    return b'{"userId": "ada", "event": "A", "properties": {"x": %s}}' % properties.encode()


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return raw(opening * levels + "1" + closing * levels)


def batch(count: int, **more: Any) -> bytes:
    return json.dumps({"batch": [{"type": "track", **GOOD}] * count, **more}).encode()


Make = Callable[[], bytes]

BODIES: dict[str, tuple[Make, set[int]]] = {
    "nothing": (lambda: b"", {400}),
    "spaces": (lambda: b" " * 1000, {400}),
    "NUL bytes": (lambda: b"\0" * 1000, {400}),
    "no UTF-8": (lambda: b'{"userId": "\xff\xfe"}', {400}),
    "overlong UTF-8": (lambda: b'{"userId": "\xc0\xaf", "event": "A"}', {400}),
    "UTF-8 of a surrogate": (lambda: b'{"userId": "\xed\xa0\x80", "event": "A"}', {400}),
    "UTF-16": (lambda: json.dumps(GOOD).encode("utf-16"), {400}),
    "with a byte order mark": (lambda: b"\xef\xbb\xbf" + track(), {200}),
    "half": (lambda: track()[:-3], {400}),
    "twice": (lambda: track() * 2, {400}),
    "a comment": (lambda: track()[:-1] + b"/* */}", {400}),
    "single quotes": (lambda: b"{'userId': 'ada'}", {400}),
    "null": (lambda: b"null", {400}),
    "a list": (lambda: b"[]", {400}),
    "a text": (lambda: b'"track"', {400}),
    "a number": (lambda: b"1", {400}),
    "random bytes": (lambda: bytes(range(256)) * 100, {400}),
    "HTML": (lambda: b"<html><script>alert(1)</script></html>", {400}),
    "a form": (lambda: b"userId=ada&event=A", {400}),
    "NaN": (lambda: raw("NaN"), {400}),
    "Infinity": (lambda: raw("Infinity"), {400}),
    "minus Infinity": (lambda: raw("-Infinity"), {400}),
    "1e999": (lambda: raw("1e999"), {400}),
    "400 digits": (lambda: raw("9" * 400), {200}),
    "5,000 digits": (lambda: raw("9" * 5_000), {400}),
    "a million digits": (lambda: raw("9" * 1_000_000), {413}),
    "400,000 digits": (lambda: raw("9" * 400_000), {400}),
    "many decimals": (lambda: raw("0." + "9" * 20_000), {200}),
    "minus zero": (lambda: raw("-0.0"), {200}),
    "a leading zero": (lambda: raw("01"), {400}),
    "31 levels": (lambda: nested(29), {200}),
    "33 levels": (lambda: nested(32), {400}),
    "900 levels": (lambda: nested(900), {400}),
    "80,000 levels": (lambda: nested(80_000), {400}),
    "200,000 brackets": (lambda: b"[" * 200_000, {400}),
    "lists, 200,000 deep": (lambda: nested(200_000, "[", "]"), {400}),
    "NUL in ids": (lambda: track(userId="a\0b", anonymousId="\0", messageId="\0"), {200}),
    "NUL in a name": (lambda: track(event="\0", properties={"\0": "\0"}), {200}),
    "a lone surrogate": (lambda: b'{"userId": "a\\ud83d", "event": "\\ude00"}', {200}),
    "a surrogate as a key": (lambda: raw('{"\\ud83d": 1}'), {200}),
    "a key twice": (lambda: b'{"userId": "eve", "userId": "ada", "event": "A"}', {200}),
    "50,000 keys": (lambda: raw(json.dumps({str(n): 0 for n in range(30_000)})), {413}),
    "one key, 30,000 times": (lambda: raw("{" + '"k":1,' * 30_000 + '"k":1}'), {200}),
    "keys of Python": (lambda: raw('{"__proto__": {"a": 1}, "__class__": 1, "": 2}'), {200}),
    "33 KB": (lambda: track(properties={"x": "x" * 33 * KB}), {413}),
    "501 KB": (lambda: track(properties={"x": "x" * 501 * KB}), {413}),
    "10 MB": (lambda: track(properties={"x": "x" * (10 * MB - 100)}), {413}),
    "more than 10 MB": (lambda: b"x" * (10 * MB + 1), {413}),
    "10 MB of spaces": (lambda: b" " * (10 * MB), {413}),
    "a long id": (lambda: track(userId="x" * 20_000), {400}),
    "wrong types everywhere": (
        lambda: json.dumps({"userId": [], "event": [], "context": [1], "sentAt": [1]}).encode(),
        {400},
    ),
    "times out of every calendar": (
        lambda: track(timestamp="9999-12-31T23:59:59Z", sentAt="0001-01-01T00:00:00Z"),
        {200},
    ),
    "times that are none": (lambda: track(timestamp="2026-02-30T25:61:61Z"), {400}),
}

BATCHES: dict[str, tuple[Make, set[int]]] = {
    "no batch": (track, {400}),
    "a batch of nothing": (lambda: batch(0), {200}),
    "a batch of a text": (lambda: b'{"batch": "xxxx"}', {400}),
    "a batch in a batch": (lambda: b'{"batch": [{"type": "batch", "batch": []}]}', {400}),
    "2,500 calls": (lambda: batch(2_500), {200}),
    "2,501 calls": (lambda: batch(2_501), {413}),
    "2,500 calls with 3 KB for all": (lambda: batch(2_500, context={"x": "x" * 3_000}), {200}),
    "2,500 calls with 30 KB for all": (lambda: batch(2_500, context={"x": "x" * 30_000}), {413}),
    "2,500 bad calls with 30 KB for all": (
        lambda: json.dumps({"context": {"x": "x" * 30_000}, "batch": [{}] * 2_500}).encode(),
        {413},
    ),
    "946 levels beside a batch": (
        lambda: b'{"batch": "x", "a": ' + b"[" * 946 + b"]" * 946 + b"}",
        {400},
    ),
    "2,500 bad calls": (lambda: b'{"batch": [' + b"{}," * 2_499 + b"{}]}", {400}),
    "200,000 nulls": (lambda: b'{"batch": [' + b"0," * 200_000 + b"0]}", {413}),
    "33 KB for all": (lambda: batch(2, context={"x": "x" * 33 * KB}), {413}),
    "too deep for all": (lambda: batch(2, context=json.loads(nested(33))), {400}),
}

PACKED: dict[str, tuple[Make, str, set[int]]] = {
    "gzip": (lambda: gzip.compress(track()), "gzip", {200}),
    "deflate": (lambda: zlib.compress(track()), "deflate", {200}),
    "a bomb of 50 MB": (lambda: gzip.compress(b" " * 50 * MB), "gzip", {413}),
    "a bomb of 600 KB": (lambda: gzip.compress(b" " * 600 * KB), "gzip", {413}),
    "a bomb in a bomb": (lambda: gzip.compress(gzip.compress(b" " * 50 * MB)), "gzip", {413}),
    "gzip twice": (lambda: gzip.compress(gzip.compress(track())), "gzip", {200}),
    "half a gzip": (lambda: gzip.compress(track())[:-9], "gzip", {415}),
    "a gzip with a wrong sum": (lambda: gzip.compress(track())[:-8] + b"\0" * 8, "gzip", {415}),
    "only the head of a gzip": (lambda: gzip.compress(track())[:10], "gzip", {415}),
    "no gzip": (track, "gzip", {415}),
    "gzip that is not told": (lambda: gzip.compress(track()), "", {400}),
    "brotli": (track, "br", {415}),
    "two packings": (track, "gzip, gzip", {415}),
    "a packing that is none": (track, "\xe9\0", {415}),
    "a capital": (lambda: gzip.compress(track()), "GZIP", {200}),
}

PATHS = [
    *("/v1/track/", "/v1//track", "//v1/track", "/v1/./track", "/v1/x/../track", "/v1", "/v1/"),
    *("/v1/Track", "/V1/track", "/v1/track/more", "/v1/{call}", "/v1/tr%00ack", "/v1/%", "/%2e%2e"),
    *("/v1/track%2f..%2f..%2fadmin", "/v1/träck", "/v1/" + "x" * 8_000, "/v1/track;a=b", "/v1/"),
    *("/v1/track?" + "a=b&" * 2_000, "/v1/track#top", "/v1/tr%ffack", "/v1/track%0d%0aX: y"),
    *("/admin", "/v1/__proto__", "/v1/batch.json", "/v1/0", "/v1/ ", "*", "/v1/..", "/b/t"),
]

HEADERS = [
    {"Authorization": "Basic " + "A" * 100_000},
    {"Authorization": "Basic \xe9\xff"},
    {"Authorization": "Basic é😀"},
    {"Authorization": "Basic =" + "=" * 100},
    {"Authorization": "Basic\0a"},
    {"Authorization": basic("\0")},
    {"Authorization": basic("x" * 50_000)},
    {"Authorization": basic("ключ")},
    {"Authorization": "basic"},
    {"Authorization": ""},
    {"Authorization": "Negotiate abc"},
    {"Content-Type": "é😀\0"},
    {"Content-Type": "multipart/form-data; boundary=" + "x" * 10_000},
    {"X-Forwarded-For": "' OR 1=1 --"},
    {"\u00e9": "\u00e9"},
    {"User-Agent": "${jndi:ldap://x}" * 100},
    {f"X-{number}": "y" for number in range(500)},
]


class Door(FrontDoor):
    """Answers, each looked at: soon, no error of the server's, and of the form that is promised."""

    queue: FreeQueue

    def send(self, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        sent = {"Authorization": basic("local"), **(headers or {})}
        started = time.monotonic()
        answer = self.api.answer(Request("POST", path, tuple(sent.items()), body, "192.0.2.7"))
        assert time.monotonic() - started < AT_ONCE
        assert answer.status < 500, answer
        document = json.loads(answer.body)
        assert document["success"] is (answer.status == 200)
        if answer.status != 200:
            assert document["code"]
            assert isinstance(document["message"], str)
            assert len(answer.body) < 100 * KB
        return answer


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with Stage() as stage, free_queue(stage) as queue:
        door = Door(stage, engine_template())
        door.queue = queue
        door.gate.find_plan = lambda _: Plan("any", 1e9, 10**9)
        yield door


@pytest.mark.parametrize("name", BODIES)
def test_a_body(door: Door, name: str) -> None:
    make, expected = BODIES[name]
    assert door.send("/v1/track", make()).status in expected


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch(door: Door, name: str) -> None:
    make, expected = BATCHES[name]
    assert door.send("/v1/batch", make()).status in expected


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body(door: Door, name: str) -> None:
    make, encoding, expected = PACKED[name]
    assert door.send("/v1/track", make(), {"Content-Encoding": encoding}).status in expected


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_path(door: Door, path: str) -> None:
    assert door.send(path, track()).status in {200, 400, 404, 405}


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_headers(door: Door, headers: dict[str, str]) -> None:
    assert door.send("/v1/track", track(), headers).status in {200, 401}


def test_memory_stays_as_it_is_however_much_is_refused(door: Door) -> None:
    """Everything that is refused, again and again; and a thousand keys that nobody has."""
    calls = [("/v1/track", make(), "") for make, expected in BODIES.values() if 200 not in expected]
    calls += [("/v1/b", make(), "") for make, expected in BATCHES.values() if 200 not in expected]
    calls += [
        ("/v1/t", make(), encoding)
        for make, encoding, expected in PACKED.values()
        if 200 not in expected
    ]

    def send_all(round_: int) -> int:
        for path, body, encoding in calls:
            door.send(path, body, {"Content-Encoding": encoding} if encoding else None)
        for number in range(100):
            unknown = {"Authorization": basic(f"unknown-{round_}-{number}")}
            assert door.send("/v1/track", track(), unknown).status == 401
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        send_all(0)
        before = send_all(1)
        tracemalloc.reset_peak()
        after = max(send_all(round_) for round_ in range(2, 4))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert after - before < 1 * MB
    assert peak - before < 64 * MB  # bodies of 10 MB, as text, as JSON and in the event


# ------------------------------------------------------------------------- what they mean


def test_of_a_key_that_comes_twice_the_last_counts(door: Door) -> None:
    """As JavaScript and Python read it. What is queued has it once, so that nobody later can read
    something else.
    """
    body = (
        b'{"userId": "eve", "event": "A", "userId": "twice", "messageId": "d", '
        b'"properties": {"plan": "free", "plan": "pro"}}'
    )
    assert door.send("/v1/track", body).status == 200
    own = door.queue.bodies[-1]
    assert json.loads(own)["user_id"] == "twice"
    assert json.loads(own)["properties"] == {"plan": "pro"}
    assert "eve" not in own
    assert "free" not in own
