"""The local stack as its own process, as `make run` starts it, for tests over HTTP."""

from __future__ import annotations

import base64
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0
"""Real seconds for a whole run on a slow, busy machine."""


def make(*targets: str) -> None:
    """What make knows to be up to date it leaves alone."""
    done = subprocess.run(
        ["make", "-s", *targets], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """The running process; `lines` are what it has printed so far."""

    def __init__(self, **options: str) -> None:
        self.port = free_port()
        settings = {**os.environ, "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **options}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._printed: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                self._printed.put(line.rstrip("\n"))
        self._printed.put(None)

    def read_until(self, text: str) -> None:
        """Read on to the line that has the text (None: to the end)."""
        while True:
            line = self._printed.get(timeout=PATIENCE)
            assert line is not None, "\n".join(self.lines)
            self.lines.append(line)
            if text in line:
                return

    def read_all(self) -> None:
        while (line := self._printed.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)

    def end(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C, or another signal; the exit code."""
        self.process.send_signal(number)
        started = time.monotonic()
        code = self.process.wait(PATIENCE)
        assert time.monotonic() - started < 20
        self.read_all()
        return code

    def workers(self) -> list[str]:
        """The ids of the functions' processes."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
        return (task / "children").read_text().split()

    def wait_for(self, customer: str, journey: str) -> None:
        """Until the customer is enrolled in the journey."""
        deadline = time.monotonic() + 60
        while journey not in str(self.call(f"/admin/customers/{customer}")[1]):
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def decisions(self, *words: str) -> list[str]:
        """The decision lines that have all of the words."""
        dated = [line for line in self.lines if re.match(r"\w{3} \d\d \w{3} \d\d:\d\d ", line)]
        return [line for line in dated if all(word in line for word in words)]

    def call(
        self, path: str, body: Any = None, key: str = "local", token: str = ""
    ) -> tuple[int, Any]:
        """Status and text. With a `token` it is shown instead of the write key."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
            credentials = base64.b64encode(f"{key}:".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def customer(stack: Stack, name: str, events: int) -> Any:
    """What is kept of somebody, once so many events were applied."""
    deadline = time.monotonic() + 60
    while True:
        status, text = stack.call(f"/admin/customers/{name}")
        found = json.loads(text)
        if status == 200 and found["profile"]["seq"] >= events:
            return found
        assert time.monotonic() < deadline, text
        time.sleep(0.1)


def stays(stack: Stack, name: str, events: int) -> None:
    """No further event comes, however long a redelivery may take on this machine."""
    customer(stack, name, events)
    marker = {"userId": name, "event": "Everything Sent", "messageId": f"last-{name}"}
    assert stack.call("/v1/track", marker)[0] == 200  # the queue keeps a customer's events in order
    assert customer(stack, name, events + 1)["profile"]["seq"] == events + 1


def write_key(stack: Stack, *words: str) -> Any:
    """`stepwell write-keys` in the stack's AWS account."""
    return json.loads(in_account(stack, "write-keys", *words, "--json"))


def in_account(stack: Stack, *words: str) -> str:
    """What a `stepwell` command prints that works in the stack's AWS account."""
    endpoint = next(line for line in stack.lines if "AWS answers at" in line)
    found = re.search(r"http://\S+:\d+", endpoint)
    assert found
    account = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "stepwell.cli.main",
            *words,
            "--stage",
            "local",
        ],
        env={
            **os.environ,
            **account,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": found[0],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
