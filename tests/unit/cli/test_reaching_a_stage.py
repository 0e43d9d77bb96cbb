"""Commands that ask AWS: an endpoint that is none, and an admin function that is no real one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from stepwell.aws import admin_function, clients
from stepwell.cli.main import main

COMMANDS: Sequence[Sequence[str]] = (
    ("quarantine", "list"),
    ("doctor",),
    ("write-keys", "list"),
    ("inbox-token", "ada"),
    ("webhook-key", "twilio"),
    ("sweep",),
    ("replay", "--from", "2026-11-24", "--to", "2026-11-25"),
    ("customer", "ada"),
)


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Clients that other tests made lead elsewhere."""
    clients.forget()
    yield
    clients.forget()


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:4566", "localhost:4566", "http://localhost:x", "ftp://localhost", "//localhost"],
)
def test_an_endpoint_that_is_no_address_is_one_clear_line(
    words: Sequence[str],
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert main([*words, "--stage", "local"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("stepwell: ")
    assert line.endswith("; AWS_ENDPOINT_URL is written like http://127.0.0.1:4566")


@pytest.mark.parametrize(
    "payload",
    [b"Simple Lambda happy path OK", b"", b"null", b"[]", b"{}", b'"x"', b"\xff"]
    + [b'{"statusCode": 200, "body": %s}' % body for body in (b'"Hello"', b"null", b"{}")],
)
def test_an_answer_that_is_no_document_is_one_clear_line(
    payload: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Lambda:
        def invoke(self, **_: Any) -> dict[str, Any]:
            return {"Payload": io.BytesIO(payload)}

    monkeypatch.setattr(admin_function, "client", lambda _: Lambda())
    for words in (("customer", "ada"), ("segment", "explain", "curious", "ada")):
        assert main([*words, "--stage", "local"]) == 2
        said = "answered what is no document; use --url for a local stack"
        told = capsys.readouterr().err
        assert told == f"stepwell: stage local: function stepwell-local-admin {said}\n"
