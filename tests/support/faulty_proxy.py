"""A proxy before the API that fails as networks and gateways do, and notes what passes.

The API is called by the proxy's name, so that what it says of its address leads here as well.
"""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Fault(Enum):
    BUSY = auto()
    """503, and the API never sees the call."""
    LOST = auto()
    """The API takes the call, and its answer becomes 503."""
    CUT = auto()
    """The API takes the call, and the connection is closed without an answer."""


_OF_A_CONNECTION = {"connection", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    content: bytes


BUSY = Answer(503, [("Access-Control-Allow-Origin", "*")], b"{}")
"""As the API's own refusals, a page may read it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came; header names in lower case, the body unpacked and read."""

    path: str
    headers: dict[str, str]
    body: Any
    answered: int


class FaultyProxy:
    """`with FaultyProxy(port, Fault.BUSY) as proxy:`; each fault befalls one call, in turn.

    Calls are POST, and `seen` has them. What browsers ask for besides passes: `asked`. It may all
    take some seconds, `delay`.
    """

    def __init__(self, port: int, *faults: Fault, delay: float = 0.0) -> None:
        self.faults = deque(faults)
        self._delay = delay
        self.seen: list[Seen] = []
        self.asked: list[tuple[str, str]] = []
        self._port = port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.handle(self)

            def do_GET(self) -> None:
                proxy.pass_on(self)

            do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        fault = self.faults.popleft() if self.faults else None
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = BUSY
        if fault is not Fault.BUSY:
            answer = self._forward("POST", request.path, headers, body)
        if fault is not None:
            answer = BUSY
        self.seen.append(Seen(request.path, headers, _read(body, headers), answer.status))
        if fault is Fault.CUT:
            request.close_connection = True
            return
        _respond(request, answer)

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((request.command, request.path))
        _respond(
            request, self._forward(request.command, request.path, dict(request.headers.items()))
        )

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Answer:
        time.sleep(self._delay)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        passed = {name: each for name, each in headers.items() if name.lower() != "connection"}
        try:
            connection.request(method, path, body, passed)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


def _respond(request: BaseHTTPRequestHandler, answer: Answer) -> None:
    request.send_response(answer.status)
    for name, each in answer.headers:
        if name.lower() not in _OF_A_CONNECTION:
            request.send_header(name, each)
    request.send_header("Content-Length", str(len(answer.content)))
    request.end_headers()
    request.wfile.write(answer.content)


def _read(body: bytes, headers: dict[str, str]) -> Any:
    return json.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
