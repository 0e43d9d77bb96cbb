"""Requests become API Gateway's proxy events, and answers HTTP."""

import base64
import dataclasses
import gzip
import json
import socket
import struct
import threading
import time
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.clock import StepClock
from infra.local.functions import Invocation
from infra.local.gateway import Api, HttpServer, Request, match_path
from infra.local.template_parts import Preflight, Refusal, Route

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
ROUTES = (
    Route("POST", "/v1/track", "ingest", "NONE"),
    Route("POST", "/{call}", "ingest", "NONE"),
    Route("GET", "/admin/customers/{id}", "admin", "AWS_IAM"),
)


ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
PREFLIGHTS = (Preflight("/v1/track", 204, ANY_ORIGIN | {"Access-Control-Max-Age": "60"}),)
REFUSALS = (
    Refusal(
        "DEFAULT_4XX",
        ANY_ORIGIN,
        '{"code": "$context.error.responseType", "message": $context.error.messageString}',
    ),
)


class Bench:
    def __init__(self, answer: Any = None, error: str | None = None) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.answer, self.error = answer or {"statusCode": 200, "body": "{}"}, error
        self.api = Api(ROUTES, self.invoke, StepClock(START), "what there is", lambda: "sent")
        self.like_aws = dataclasses.replace(self.api, preflights=PREFLIGHTS, refusals=REFUSALS)

    def invoke(self, function: str, event: Any) -> Invocation:
        self.calls.append((function, event))
        return self.answer, self.error

    def ask(self, method: str, target: str, body: bytes = b"", client: str = "127.0.0.1") -> Any:
        headers = (("Accept", "a"), ("Accept", "b"), ("User-Agent", "sdk/1"))
        return self.api.answer(Request(method, target, headers, body, client))


def test_an_event_has_the_proxy_shape() -> None:
    bench = Bench()
    bench.ask("POST", "/v1/track?a=1&a=2&empty=", b'{"x": "\xc3\xa9"}')
    ((function, event),) = bench.calls
    assert function == "ingest"
    assert event["resource"] == event["path"] == "/v1/track"
    assert event["httpMethod"] == "POST"
    assert event["headers"]["Accept"] == "b"
    assert event["multiValueHeaders"]["Accept"] == ["a", "b"]
    assert event["queryStringParameters"] == {"a": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "empty": [""]}
    assert (event["body"], event["isBase64Encoded"]) == ('{"x": "é"}', False)
    assert event["pathParameters"] is None
    context = event["requestContext"]
    assert context["identity"] == {
        "sourceIp": "127.0.0.1",
        "userAgent": "sdk/1",
        "userArn": None,
    }
    assert context["requestTimeEpoch"] == int(START.timestamp() * 1000)
    assert context["requestTime"] == "24/Nov/2026:21:14:00 +0000"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("localhost:8080", "localhost:8080"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("evil.example", "localhost"),
        ("localhost.evil.example:80", "localhost"),
        ("", "localhost"),
    ],
)
def test_the_context_tells_by_what_name_of_this_machine_it_was_called(
    host: str, domain: str
) -> None:
    bench = Bench()
    bench.api.answer(Request("POST", "/v1/track?a=1", (("host", host),), b"", "127.0.0.1"))
    context = bench.calls[0][1]["requestContext"]
    assert (context["domainName"], context["path"]) == (domain, "/v1/track")


def test_a_body_that_is_no_text_is_base64() -> None:
    bench = Bench()
    bench.ask("POST", "/v1/track", b"\xff\xfe")
    event = bench.calls[0][1]
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\xff\xfe"


def test_path_parameters_come_as_they_are() -> None:
    """A REST API decodes none of them: what has a slash in it is one of them all the same."""
    bench = Bench()
    bench.ask("GET", "/admin/customers/user%201")
    assert bench.calls[0][1]["pathParameters"] == {"id": "user%201"}
    bench.ask("GET", "/admin/customers/a%2Fb")
    assert bench.calls[1][1]["pathParameters"] == {"id": "a%2Fb"}


@pytest.mark.parametrize("client", ["10.0.0.7", "192.168.1.2", "::2"])
def test_routes_with_iam_answer_this_machine_only(client: str) -> None:
    bench = Bench()
    answer = bench.ask("GET", "/admin/customers/c1", client=client)
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})
    assert bench.calls == []
    assert bench.ask("POST", "/v1/track", client=client).status == 200


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        ("GET", "/nothing/there", 404, "Not Found"),
        ("GET", "/nothing", 405, "Method Not Allowed"),
        ("GET", "/v1/track", 405, "Method Not Allowed"),
        ("POST", "/v1/track/more", 404, "Not Found"),
    ],
)
def test_what_has_no_route(method: str, target: str, status: int, message: str) -> None:
    answer = Bench().ask(method, target)
    assert (answer.status, json.loads(answer.body)) == (status, {"message": message})


@pytest.mark.parametrize("answer", ["text", {"body": "x"}, {"statusCode": "200"}, [1]])
def test_an_answer_that_is_no_proxy_answer_is_502(answer: Any) -> None:
    assert Bench(answer).ask("POST", "/v1/track").status == 502


def test_a_failed_function_is_502_and_tells_nothing() -> None:
    answer = Bench({"errorMessage": "secret"}, "Unhandled").ask("POST", "/v1/track")
    assert (answer.status, json.loads(answer.body)) == (502, {"message": "Internal server error"})


def test_answers_keep_their_headers_and_bytes() -> None:
    content = base64.b64encode(b"\x00\x01").decode()
    answer = Bench(
        {
            "statusCode": 201,
            "headers": {"X-One": "1"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": content,
            "isBase64Encoded": True,
        }
    ).ask("POST", "/v1/track")
    assert (answer.status, answer.body) == (201, b"\x00\x01")
    assert answer.headers == {"X-One": ["1"], "Set-Cookie": ["a=1", "b=2"]}


def test_a_body_over_ten_megabytes_is_refused() -> None:
    assert Bench().ask("POST", "/v1/track", b"x" * (10 * 1024 * 1024 + 1)).status == 413


def test_the_front_page_is_text() -> None:
    assert Bench().ask("GET", "/").body == b"what there is"


def test_the_outbox_is_for_this_machine() -> None:
    assert Bench().ask("GET", "/outbox").body == b"sent"
    assert Bench().ask("GET", "/outbox", client="10.0.0.7").status == 403


# ------------------------------------------------------------------------- browsers


def test_a_preflight_is_answered_without_a_function() -> None:
    bench = Bench()
    answer = bench.like_aws.answer(Request("OPTIONS", "/v1/track", (), b"", "10.0.0.7"))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ["*"]
    assert bench.calls == []
    answer = bench.like_aws.answer(Request("OPTIONS", "/admin/customers/c", (), b"", "127.0.0.1"))
    assert answer.status == 405


def test_what_the_gateway_refuses_is_readable_for_pages() -> None:
    answer = Bench().like_aws.answer(Request("GET", "/v1/track", (), b"", "127.0.0.1"))
    assert json.loads(answer.body) == {
        "code": "METHOD_NOT_ALLOWED",
        "message": "Method Not Allowed",
    }
    assert answer.headers == {"Access-Control-Allow-Origin": ["*"]}


def test_the_most_literal_path_wins() -> None:
    bench = Bench()
    assert bench.ask("POST", "/t").status == 200
    assert bench.calls[0][1]["pathParameters"] == {"call": "t"}
    assert bench.ask("POST", "/v1/t").status == 404


# ------------------------------------------------------------------------- packed bodies


def packed(body: bytes, encoding: str) -> tuple[int, list[tuple[str, Any]]]:
    bench = Bench()
    headers = (("content-encoding", encoding),)
    request = Request("POST", "/v1/track", headers, body, "127.0.0.1")
    return bench.api.answer(request).status, bench.calls


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_bodies_are_unpacked(encoding: str, pack: Any) -> None:
    status, ((_, event),) = packed(pack(b'{"a": 1}'), encoding)
    assert (status, event["body"], event["isBase64Encoded"]) == (200, '{"a": 1}', False)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"{}", "gzip"), (b"{}", "br"), (gzip.compress(b"{}", mtime=0)[:-3], "gzip")],
)
def test_what_is_not_packed_as_it_says_is_415(body: bytes, encoding: str) -> None:
    assert packed(body, encoding) == (415, [])


def test_a_packed_bomb_is_413() -> None:
    assert packed(gzip.compress(b" " * 50_000_000), "gzip") == (413, [])


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/a/{id}", "/a/1", {"id": "1"}),
        ("/a/{id}", "/a", None),
        ("/a/{id}", "/a/1/2", None),
        ("/a/{rest+}", "/a/1/2", {"rest": "1/2"}),
        ("/a/{rest+}", "/a", None),
        ("/", "/", {}),
    ],
)
def test_paths_match_their_templates(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    assert match_path(template, path) == expected


def test_a_client_that_has_gone_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    server = HttpServer(0)
    asked, gone = threading.Event(), threading.Event()

    def invoke(_function: str, _event: Any) -> Invocation:
        asked.set()
        gone.wait(10)
        return {"statusCode": 200, "body": "x" * 10_000_000}, None

    server.serve(Api(ROUTES, invoke, StepClock(START), "", str))
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"POST /v1/track HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asked.wait(10)
    gone.set()
    handlers = [each for each in threading.enumerate() if "process_request" in each.name]
    for handler in handlers:
        handler.join(10)
    started = time.monotonic()
    server.close()
    assert time.monotonic() - started < 10
    assert handlers
    assert capsys.readouterr().err == ""
