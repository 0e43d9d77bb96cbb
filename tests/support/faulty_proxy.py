"""A proxy before the API that fails as networks and gateways do, and notes what passes."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
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


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came; header names in lower case, the body unpacked and read."""

    path: str
    headers: dict[str, str]
    body: Any
    answered: int


class FaultyProxy:
    """`with FaultyProxy(port, Fault.BUSY) as proxy:`; each fault befalls one request, in turn."""

    def __init__(self, port: int, *faults: Fault) -> None:
        self.faults = deque(faults)
        self.seen: list[Seen] = []
        self._port = port
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.handle(self)

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
        status, content = 503, b"{}"
        if fault is not Fault.BUSY:
            status, content = self._forward(request.path, headers, body)
        status = status if fault is None else 503
        self.seen.append(Seen(request.path, headers, _read(body, headers), status))
        if fault is Fault.CUT:
            request.close_connection = True
            return
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _forward(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        passed = {
            name: each for name, each in headers.items() if name not in {"host", "connection"}
        }
        try:
            connection.request("POST", path, body, passed)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _read(body: bytes, headers: dict[str, str]) -> Any:
    return json.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
