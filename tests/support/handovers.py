"""A project with a hand-over, and an HTTP receiver of webhooks on this machine."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.journey_projects import write_project
from tests.support.stage import STATEMACHINES

JOURNEY = """\
journey: care
purpose: service
entry: {event: Began, reentry: always}
exit: [{event: Left}]
steps:
  - hand_over:
      name: Ask a human
      to: helpdesk
      reason: Somebody is stuck
      otherwise:
        - message: {name: Sorry, channels: [sms], template: hello}
  - hold: {name: Wait for an answer, for: 3d, until: [{event: Acted, then: exit}]}
  - message: {name: Reminder, channels: [sms], template: hello}
"""
DESTINATIONS = """\
destinations:
  helpdesk:
    event_bus: {}
    include: [user_id, traits.first_name]
"""


def write_care(root: Path, destinations: str = DESTINATIONS, journey: str = JOURNEY) -> Path:
    write_project(root, {"care": journey})
    shutil.copy(STATEMACHINES / "send_message.asl.json", root / "statemachines")
    (root / "statemachines" / "destinations.yaml").write_text(destinations)
    return root


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Answers with these statuses in turn, the last for all that follow; 0 never answers."""

    statuses: Sequence[int] = (202,)
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks"

    def take(self, call: Received) -> int:
        status = self.statuses[min(len(self.received), len(self.statuses) - 1)]
        self.received.append(call)
        if status == 0:
            self._over.wait(60)
        return status


class _Server(ThreadingHTTPServer):
    receiver: Receiver
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.receiver.take(Received(self.path, headers, body))
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.receiver.url + "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""
