"""The API on localhost, serving the template's routes as API Gateway does (REST, Lambda proxy).

Routes with IAM authorization and the outbox answer this machine only. It listens on 127.0.0.1.
"""

from __future__ import annotations

import base64
import errno
import json
import re
import sys
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.local.account import ACCOUNT
from infra.local.authorizing import Gate, RefusedError
from infra.local.bodies import LARGEST, BodyError, linger, read_body
from infra.local.clock import StepClock
from infra.local.functions import Invocation
from infra.local.options import OptionError
from infra.local.template_parts import Page, Preflight, Refusal, Route

Invoke = Callable[[str, Any], Invocation]
_REFUSALS = {
    errno.EADDRINUSE: "in use",
    errno.EACCES: "not allowed; ports below 1024 are the system's",
}
_POLL_SECONDS = 0.05
"""How long an end of the server may take to be seen."""
_LOOPBACK = ("127.", "::1", "::ffff:127.")
_THIS_MACHINE = re.compile(r"(localhost|127\.0\.0\.1)(:[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are as they came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: str

    @property
    def path(self) -> str:
        """As it came: a REST API leaves it to functions to decode what is in it."""
        return urlsplit(self.target).path

    def header(self, name: str) -> str:
        """The header's value; empty when there is none."""
        found = [value for each, value in self.headers if each.lower() == name.lower()]
        return found[-1] if found else ""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    headers: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """The routes; `answer` does what API Gateway does with a request."""

    routes: tuple[Route, ...]
    invoke: Invoke
    clock: StepClock
    front_page: str
    outbox: Callable[[], str]
    preflights: tuple[Preflight, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    stage: str = "local"
    pages: tuple[Page, ...] = ()
    gate: Gate | None = None
    """What stands before the routes; None: every call may pass."""

    def answer(self, request: Request) -> Response:
        with self.clock.work():
            if request.path == "/" and request.method == "GET":
                return _text(self.front_page)
            if request.path == "/outbox" and request.method == "GET":
                return self._personal(request) or _text(self.outbox())
            for page in self.pages:
                if (request.path, request.method) == (page.path, "GET"):
                    headers = {name: [value] for name, value in page.headers.items()}
                    return Response(page.status, page.body.encode(), headers)
            return self._route(request)

    def _route(self, request: Request) -> Response:
        """The most literal path wins, as on AWS: `/admin` before `/{call}`."""
        found = [
            (route, parameters)
            for route in self.routes
            if (parameters := match_path(route.path, request.path)) is not None
        ]
        fewest = min((len(parameters) for _, parameters in found), default=0)
        matches = [each for each in found if len(each[1]) == fewest]
        for route, parameters in matches:
            if route.method in {request.method, "ANY"}:
                return self._call(route, parameters, request)
        if request.method == "OPTIONS":
            for preflight in self.preflights:
                if any(preflight.path == route.path for route, _ in matches):
                    headers = {name: [value] for name, value in preflight.headers.items()}
                    return Response(preflight.status, b"", headers)
        if matches:
            return self.refuse(405, "METHOD_NOT_ALLOWED", "Method Not Allowed")
        return self.refuse(404, "NOT_FOUND", "Not Found")

    def _call(self, route: Route, parameters: dict[str, str], request: Request) -> Response:
        if route.authorization == "AWS_IAM" and (refusal := self._personal(request)):
            return refusal
        event = self._event(route, parameters, request)
        try:
            allowed = self.gate.let_in(route, event) if self.gate else None
        except RefusedError as refused:
            return self.refuse(refused.status, refused.kind, refused.text)
        if allowed is not None:
            event["requestContext"]["authorizer"] = allowed
        try:
            body = unpacked(request.body, request.header("Content-Encoding"))
        except _UnpackError:
            return self.refuse(415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
        if len(body) > LARGEST:
            return self.refuse(413, "REQUEST_TOO_LARGE", "Request Too Long")
        event["body"], event["isBase64Encoded"] = _as_text(body)
        result, error = self.invoke(route.function, event)
        proxied = None if error is not None else _proxied(result)
        return proxied or self.refuse(502, "INTEGRATION_FAILURE", "Internal server error")

    def refuse(self, status: int, kind: str, text: str) -> Response:
        """What the gateway says by itself, in the shape that the template gives it."""
        for wanted in (kind, f"DEFAULT_{status // 100}XX"):
            for refusal in (each for each in self.refusals if each.kind == wanted):
                said = refusal.template.replace("$context.error.responseType", kind)
                said = said.replace("$context.error.messageString", json.dumps(text))
                headers = {name: [value] for name, value in refusal.headers.items()}
                return Response(refusal.status or status, said.encode(), headers)
        return Response(status, json.dumps({"message": text}).encode())

    def _personal(self, request: Request) -> Response | None:
        """The refusal of what only this machine may see."""
        is_here = request.client.startswith(_LOOPBACK)
        return None if is_here else self.refuse(403, "ACCESS_DENIED", "Forbidden")

    def _event(self, route: Route, parameters: dict[str, str], request: Request) -> dict[str, Any]:
        query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        return {
            "resource": route.path,
            "path": request.path,
            "httpMethod": request.method,
            "headers": dict(request.headers) or None,
            "multiValueHeaders": grouped(request.headers) or None,
            "queryStringParameters": dict(query) or None,
            "multiValueQueryStringParameters": grouped(query) or None,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": self._context(route, request),
            "body": None,
            "isBase64Encoded": False,
        }

    def _context(self, route: Route, request: Request) -> dict[str, Any]:
        now = self.clock.now()
        agent = request.header("User-Agent") or None
        return {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": _domain(request),
            "domainPrefix": "localhost",
            "extendedRequestId": str(uuid.uuid4()),
            "httpMethod": request.method,
            "identity": {"sourceIp": request.client, "userAgent": agent, "userArn": None},
            "path": request.path,  # as by a domain of one's own: no stage in the address
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTime": _common_log_time(now),
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "resourceId": "local",
            "resourcePath": route.path,
            "stage": self.stage,
        }


def match_path(template: str, path: str) -> dict[str, str] | None:
    """The path's parameters, or None when it does not fit the template."""
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    parameters: dict[str, str] = {}
    for position, part in enumerate(wanted):
        if part.startswith("{") and part.endswith("+}"):
            parameters[part[1:-2]] = "/".join(given[position:])
            return parameters if len(given) > position else None
        if position >= len(given):
            return None
        if part.startswith("{"):
            parameters[part[1:-1]] = given[position]
        elif part != given[position]:
            return None
    return parameters if len(wanted) == len(given) else None


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for name, value in pairs:
        result.setdefault(name, []).append(value)
    return result


class _UnpackError(Exception):
    """A body is not what its Content-Encoding says, or that is none that API Gateway knows."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its gzip or deflate, at most one byte past the largest that is taken."""
    if encoding.lower() in {"", "identity"}:
        return body
    if encoding.lower() not in {"gzip", "deflate"}:
        raise _UnpackError
    reader = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either of the two, by its first bytes
    try:
        text = reader.decompress(body, LARGEST + 1)
    except zlib.error:
        raise _UnpackError from None
    if len(text) <= LARGEST and not reader.eof:
        raise _UnpackError
    return text


def _as_text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _proxied(result: Any) -> Response | None:
    """The function's answer as HTTP; None for what is no proxy answer."""
    if not isinstance(result, Mapping) or not isinstance(result.get("statusCode"), int):
        return None
    body = result.get("body") or ""
    headers = {name: [str(value)] for name, value in (result.get("headers") or {}).items()}
    headers.update(result.get("multiValueHeaders") or {})
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return Response(result["statusCode"], content, headers)


def _domain(request: Request) -> str:
    """The name that the API was called by. Here it has a port, which it never has on AWS."""
    host = request.header("Host")
    return host if _THIS_MACHINE.fullmatch(host) else "localhost"


def _text(text: str) -> Response:
    return Response(200, text.encode(), {"Content-Type": ["text/plain; charset=utf-8"]})


def _common_log_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


class HttpServer:
    """Serves an Api on 127.0.0.1. Raises OptionError when the port cannot be had."""

    def __init__(self, port: int) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            why = _REFUSALS.get(error.errno or 0, error.strerror)
            raise OptionError(f"PORT={port}: {why}; another one: make run PORT=8081") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def serve(self, api: Api) -> None:
        self._server.api = api
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    api: Api
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def _handle(self) -> None:
        try:
            body = read_body(self.headers, self.rfile)
        except BodyError as error:
            self.close_connection = True
            self._send(self.server.api.refuse(error.status, error.kind, error.text))
            linger(self.connection)
            return
        request = Request(
            method=self.command,
            target=self.path,
            headers=tuple(self.headers.items()),
            body=body,
            client=str(self.client_address[0]),
        )
        self._send(self.server.api.answer(request))

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        if not any(name.lower() == "content-type" for name in response.headers):
            self.send_header("Content-Type", "application/json")
        for name, values in response.headers.items():
            for value in values:
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _handle  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: a line a request would hide the decisions."""
