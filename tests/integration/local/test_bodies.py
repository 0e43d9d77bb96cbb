"""Bodies of HTTP requests: in chunks, with lengths that lie, and never read for ever."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.bodies import LARGEST
from infra.local.clock import StepClock
from infra.local.functions import Invocation
from infra.local.gateway import Api, HttpServer
from infra.local.template_parts import Route

BODY = b'{"userId": "ada"}'


class Server:
    """An API that notes the bodies which reach its function."""

    def __init__(self) -> None:
        self.bodies: list[str | None] = []
        self.http = HttpServer(0)
        clock = StepClock(datetime(2026, 11, 24, tzinfo=UTC))
        routes = (Route("POST", "/{call}", "ingest", "NONE"),)
        self.http.serve(Api(routes, self.invoke, clock, "", str))

    def invoke(self, _function: str, event: Any) -> Invocation:
        self.bodies.append(event["body"])
        return {"statusCode": 200, "body": "{}"}, None

    def send(self, *parts: bytes, half: bool = False) -> list[int]:
        """The statuses that are answered until the server closes the connection. `half`: the
        client says no more after this.
        """
        with socket.create_connection(("127.0.0.1", self.http.port), timeout=10) as client:
            for part in parts:
                client.sendall(part)
            if half:
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while more := client.recv(65_536):
                answer += more
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.close()


def head(*headers: str, last: bool = True) -> bytes:
    lines = ["POST /track HTTP/1.1", "Host: x", *headers, *(["Connection: close"] if last else [])]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


CHUNKED = head("Transfer-Encoding: chunked")


def test_a_body_in_chunks_is_put_together(server: Server) -> None:
    assert server.send(CHUNKED, chunk(BODY[:5]), chunk(BODY[5:]), b"0\r\n\r\n") == [200]
    assert server.bodies == [BODY.decode()]


def test_what_follows_a_chunked_body_is_the_next_request(server: Server) -> None:
    first = head("Transfer-Encoding: chunked", last=False) + chunk(BODY) + b"0\r\nA: b\r\n\r\n"
    second = head(f"Content-Length: {len(BODY)}") + BODY
    assert server.send(first + second) == [200, 200]
    assert server.bodies == [BODY.decode()] * 2


def test_extensions_of_chunks_are_passed_over(server: Server) -> None:
    named = b"11;name=value\r\n" + BODY + b"\r\n0\r\n\r\n"
    assert server.send(CHUNKED, named) == [200]
    assert server.bodies == [BODY.decode()]


@pytest.mark.parametrize(
    "sent",
    [
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-5\r\n",
        CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5_0\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"5\r\nhelloworld\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"f" * 5_000,
        CHUNKED + b"fffffffffffffffff\r\n",
        head("Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}") + BODY,
        head("Transfer-Encoding: gzip") + BODY,
        head("Transfer-Encoding: chunked, chunked") + BODY,
        head("Content-Length: -1") + BODY,
        head("Content-Length: +5") + BODY,
        head("Content-Length: 5 5") + BODY,
        head("Content-Length: 1e3") + BODY,
        head("Content-Length: ") + BODY,
        head("Content-Length: \u0665") + BODY,
        head("Content-Length: 5", "Content-Length: 6") + BODY,
        head(f"Content-Length: {len(BODY) + 1}") + BODY,
    ],
    ids=range(21),
)
def test_a_body_that_is_not_as_it_says_is_400_and_reaches_nobody(
    server: Server, sent: bytes
) -> None:
    assert server.send(sent, half=True) == [400]
    assert server.bodies == []


@pytest.mark.parametrize(
    "sent",
    [
        head(f"Content-Length: {LARGEST + 1}"),
        head("Content-Length: 999999999999999"),
        CHUNKED + b"ffffffffffff\r\n",
        CHUNKED + chunk(b"x" * 1_000) + f"{LARGEST:x}\r\n".encode(),
    ],
    ids=range(4),
)
def test_a_body_that_says_it_is_too_large_is_413_before_it_is_read(
    server: Server, sent: bytes
) -> None:
    assert server.send(sent) == [413]
    assert server.bodies == []


def test_who_sends_all_of_a_body_that_is_too_large_learns_why(server: Server) -> None:
    body = b"x" * (LARGEST + 1)
    assert server.send(head(f"Content-Length: {len(body)}") + body) == [413]


def test_a_length_that_is_too_short_cuts_the_body_and_the_rest_is_no_request(
    server: Server,
) -> None:
    assert server.send(head("Content-Length: 5", last=False) + BODY, half=True)[0] == 200
    assert server.bodies == [BODY.decode()[:5]]


def test_a_refusal_has_the_form_of_the_others() -> None:
    server = Server()
    try:
        with socket.create_connection(("127.0.0.1", server.http.port), timeout=10) as client:
            client.sendall(head("Content-Length: x"))
            answer = b""
            while more := client.recv(65_536):
                answer += more
    finally:
        server.http.close()
    header, _, body = answer.partition(b"\r\n\r\n")
    assert b"Connection: close" in header
    assert json.loads(body) == {"message": "Bad Request"}
