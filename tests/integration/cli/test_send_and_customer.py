"""`stepwell send` and `stepwell customer` against an HTTP server that answers as ordered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from stepwell.cli import http
from stepwell.cli.admin_api import is_aws_api
from stepwell.cli.main import main

CUSTOMER = {
    "customer": "c1",
    "profile": {
        "user_id": "ada",
        "zone": "America/New_York",
        "traits": {"first_name": "Ada [bold]"},
        "addresses": {},
    },
    "consents": {"marketing#sms": {"status": "granted", "at": "2026-11-24T21:14:00.000Z"}},
    "enrollments": [],
    "messages": [],
    "conversions": [],
    "decisions": [
        {
            "at": "2026-11-24T21:59:00.000Z",
            "journey": "cart",
            "step": "stylist",
            "outcome": "deferred",
            "reason": "quiet_hours",
            "channel": "sms",
            "until": "2026-11-25T08:00:00.000Z",
        }
    ],
}


class Api:
    """`answers` are given in turn, the last one for ever; `requests` are (path, key, body). The
    status 0 is a connection that breaks.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [(200, {"success": True})]
        self.requests: list[tuple[str, str | None, Any]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                key = self.headers.get("Authorization")
                api.requests.append((self.path, key, json.loads(body) if body else None))
                status, document = api.answers[0]
                if len(api.answers) > 1:
                    api.answers.pop(0)
                if status == 0:
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            do_GET = do_POST = answer  # noqa: N815 - the names that the server calls

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0)
    with Api() as api:
        yield api


def calls_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(lines))
    return path


def track(number: int) -> str:
    return json.dumps({"type": "track", "userId": "u", "event": "A", "messageId": str(number)})


def test_send_keeps_the_order_and_splits_into_batches(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = calls_file(tmp_path, *(track(n) for n in range(120)), "")
    assert main(["send", str(path), "--url", api.url, "--write-key", "key"]) == 0
    assert capsys.readouterr().out == "120 calls sent\n"
    batches = [body["batch"] for _, _, body in api.requests]
    assert [len(batch) for batch in batches] == [50, 50, 20]
    assert [each["messageId"] for batch in batches for each in batch] == [
        str(n) for n in range(120)
    ]
    assert {(path, key) for path, key, _ in api.requests} == {("/v1/batch", "Basic a2V5Og==")}


def test_send_tries_again_while_the_api_is_busy(api: Api, tmp_path: Path) -> None:
    api.answers = [(503, {}), (429, {}), (0, None), (200, {"success": True})]
    assert main(["send", str(calls_file(tmp_path, track(1))), "--url", api.url]) == 0
    assert len(api.requests) == 4


def test_send_says_from_where_to_go_on_when_the_connection_breaks(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers = [(200, {"success": True}), (0, None)]
    path = calls_file(tmp_path, *(track(n) for n in range(120)))
    assert main(["send", str(path), "--url", api.url]) == 2
    out, err = capsys.readouterr()
    assert out == "50 calls sent, the rest not sent\n"
    assert "cannot be reached: Remote end closed connection without response. The calls" in err
    assert err.endswith("from line 51 on were not sent: go on with --from-line 51\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://example.com"])
def test_an_api_that_cannot_be_asked_is_one_clear_line(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main(["send", str(calls_file(tmp_path, track(1))), "--url", url]) == 2
    assert main(["customer", "ada", "--url", url]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(url.partition(":")[0] in line for line in lines)


def test_customer_shows_what_is_known(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers = [(200, CUSTOMER)]
    assert main(["customer", "ada/1", "--url", api.url]) == 0
    shown = capsys.readouterr().out
    assert api.requests[0][0] == "/admin/customers/ada%2F1"
    for text in ("c1", "Ada [bold]", "marketing#sms: granted", "times of America/New_York"):
        assert text in shown
    assert "2026-11-24 16:59  cart/stylist  deferred sms" in shown
    assert "quiet_hours, until 2026-11-25 03:00" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_customer_as_json_is_what_the_api_answered(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answers = [(200, CUSTOMER)]
    assert main(["customer", "ada", "--url", api.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == CUSTOMER


def test_customer_that_does_not_exist(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.answers = [(404, {"message": "no customer has this id"})]
    assert main(["customer", "bob", "--url", api.url]) == 2
    assert "answered 404: no customer has this id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a1b2.execute-api.eu-west-1.amazonaws.com/v1", True),
        ("http://localhost:8080", False),
        ("https://execute-api.example.com", False),
        ("https://x.execute-api.eu-west-1.amazonaws.com.example.com", False),
    ],
)
def test_only_an_api_of_aws_gets_a_signature(url: str, expected: bool) -> None:
    assert is_aws_api(url) is expected


def test_customer_shows_what_became_of_a_message(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    message = {
        "updated_at": "2026-11-24T21:59:00.000Z",
        "journey": "cart",
        "step": "stylist",
        "status": "sent",
        "channel": "email",
        "delivered_at": "2026-11-24T21:59:02.000Z",
        "failed_at": "2026-11-24T22:10:00.000Z",
        "failure": {"channel": "email", "reason": "bounce_permanent_general"},
        "machine_opened_at": "2026-11-24T22:00:00.000Z",
    }
    api.answers = [(200, CUSTOMER | {"messages": [message]})]
    assert main(["customer", "ada", "--url", api.url]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("delivered 2026-11-24 16:59,", "machine opened", "(bounce_permanent_general)"):
        assert part in shown
