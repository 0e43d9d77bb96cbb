"""The API on localhost, serving the template's routes as API Gateway does (REST, Lambda proxy).

Routes with IAM authorization and the outbox answer this machine only. It listens on 127.0.0.1.
"""

from __future__ import annotations

import base64
import errno
import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local.account import ACCOUNT
from infra.local.clock import StepClock
from infra.local.functions import Invocation
from infra.local.options import OptionError
from infra.local.template_parts import Route

Invoke = Callable[[str, Any], Invocation]
_LARGEST_BODY = 10 * 1024 * 1024
_REFUSALS = {
    errno.EADDRINUSE: "in use",
    errno.EACCES: "not allowed; ports below 1024 are the system's",
}
_POLL_SECONDS = 0.05
"""How long an end of the server may take to be seen."""
_LOOPBACK = ("127.", "::1", "::ffff:127.")


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
        return unquote(urlsplit(self.target).path)


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
    stage: str = "local"

    def answer(self, request: Request) -> Response:
        with self.clock.work():
            if request.path == "/" and request.method == "GET":
                return _text(self.front_page)
            if request.path == "/outbox" and request.method == "GET":
                return self._personal(request) or _text(self.outbox())
            matches = [
                (route, parameters)
                for route in self.routes
                if (parameters := match_path(route.path, request.path)) is not None
            ]
            for route, parameters in matches:
                if route.method in {request.method, "ANY"}:
                    return self._call(route, parameters, request)
            return _message(405, "Method Not Allowed") if matches else _message(404, "Not Found")

    def _call(self, route: Route, parameters: dict[str, str], request: Request) -> Response:
        if route.authorization == "AWS_IAM" and (refusal := self._personal(request)):
            return refusal
        if len(request.body) > _LARGEST_BODY:
            return _message(413, "Request Too Long")
        event = self._event(route, parameters, request)
        result, error = self.invoke(route.function, event)
        if error is not None:
            return _message(502, "Internal server error")
        return _proxied(result)

    def _personal(self, request: Request) -> Response | None:
        """The refusal of what only this machine may see."""
        is_here = request.client.startswith(_LOOPBACK)
        return None if is_here else _message(403, "Forbidden")

    def _event(self, route: Route, parameters: dict[str, str], request: Request) -> dict[str, Any]:
        query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
        text, is_base64 = _as_text(request.body)
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
            "body": text,
            "isBase64Encoded": is_base64,
        }

    def _context(self, route: Route, request: Request) -> dict[str, Any]:
        now = self.clock.now()
        agent = {name.lower(): value for name, value in request.headers}.get("user-agent")
        return {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "extendedRequestId": str(uuid.uuid4()),
            "httpMethod": request.method,
            "identity": {"sourceIp": request.client, "userAgent": agent, "userArn": None},
            "path": f"/{self.stage}{request.path}",
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


def _as_text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _proxied(result: Any) -> Response:
    """The function's answer as HTTP. One that is no proxy answer is 502, as on AWS."""
    if not isinstance(result, Mapping) or not isinstance(result.get("statusCode"), int):
        return _message(502, "Internal server error")
    body = result.get("body") or ""
    headers = {name: [str(value)] for name, value in (result.get("headers") or {}).items()}
    headers.update(result.get("multiValueHeaders") or {})
    content = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return Response(result["statusCode"], content, headers)


def _message(status: int, text: str) -> Response:
    return Response(status, json.dumps({"message": text}).encode())


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
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            target=self.path,
            headers=tuple(self.headers.items()),
            body=self.rfile.read(length),
            client=str(self.client_address[0]),
        )
        response = self.server.api.answer(request)
        self.send_response(response.status)
        if not any(name.lower() == "content-type" for name in response.headers):
            self.send_header("Content-Type", "application/json")
        for name, values in response.headers.items():
            for value in values:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _handle  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are not logged: a line a request would hide the decisions."""
