"""docs/inbox.md: its backends' tokens are taken, its app shows and marks, its template compiles."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.gateway import HttpServer
from stepwell.cli.main import main
from stepwell.customers import keys
from stepwell.messages.inbox import put_in
from stepwell.messages.inbox_token import read_token
from stepwell.storage.operations import Put
from tests.support.front_door import FrontDoor, engine_template
from tests.support.journey_projects import HELLO, found_in, write_project
from tests.support.stage import INBOX_KEY, Stage

PAGE = Path("docs/inbox.md").read_text(encoding="utf-8")
JOURNEY = """\
journey: greeting
purpose: marketing
entry: {event: Began}
steps:
  - message: {name: Hello, channels: [in_app, email], template: hello}
"""


def example(kind: str) -> str:
    [text] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def node(script: str, *arguments: str) -> str:
    done = subprocess.run(
        ["node", "--input-type=module", "-", *arguments],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_backends_make_good_tokens() -> None:
    made: dict[str, Any] = {}
    exec(example("python token"), made)  # noqa: S102 - our own page
    token = made["inbox_token"]("ada", INBOX_KEY)
    assert read_token(f"Bearer {token}", [INBOX_KEY], datetime.now(UTC)) == "ada"


def node_token(user: str) -> str:
    script = example("js token") + "console.log(inboxToken(process.argv[2], process.argv[3]));\n"
    return node(script, user, INBOX_KEY).strip()


def test_the_command_prints_a_good_token(capsys: pytest.CaptureFixture[str]) -> None:
    with Stage():
        assert main(["inbox-token", "ada", "--stage", "local", "--hours", "2"]) == 0
        token = capsys.readouterr().out.strip()
        assert read_token(f"Bearer {token}", [INBOX_KEY], datetime.now(UTC)) == "ada"
        for wrong in (["--hours", "169"], ["--hours", "0"], ["--stage", "none"]):
            assert main(["inbox-token", "ada", "--stage", "local", *wrong]) == 2
            assert capsys.readouterr().err.startswith("stepwell: ")
        for nobody in ("", " ", "null", "Undefined", "0", "ada\ud83d"):
            assert main(["inbox-token", nobody, "--stage", "local"]) == 2
            told = capsys.readouterr()
            assert told.out == ""
            assert "user id" in told.err


@pytest.fixture
def served() -> Iterator[tuple[Stage, str]]:
    """A stage whose API answers on this machine, with a message for Zoë."""
    with Stage() as stage:
        server = HttpServer(0)
        server.serve(FrontDoor(stage, engine_template()).api)
        stage.identify("zoë", email="zoe@example.com")
        customer = stage.customer("zoë")
        message = f"{customer}-0123456789abcdef-1.hello"
        journey = {"message": message, "step": "hello", "purpose": "marketing", "journey": "j"}
        stage.store.write(Put(keys.message(customer, message), journey))
        content = {"title": "Hello", "body": "You"}
        put_in(stage.store, customer, message, content, stage.engine.clock.now())
        yield stage, f"http://127.0.0.1:{server.port}"
        server.close()


def test_the_app_shows_and_marks_with_a_token_of_a_node_backend(served: tuple[Stage, str]) -> None:
    stage, url = served
    asks = (
        "const [api, token] = process.argv.slice(2);\n"
        "const first = await inbox(api, token);\n"
        "const marked = await mark(api, token, first.messages[0].id, 'clicked');\n"
        "const wrong = await inbox(api, 'x').catch((error) => error.message);\n"
        "console.log(JSON.stringify([first, marked, wrong, await inbox(api, token)]));\n"
    )
    token = node_token("zoë")
    first, marked, wrong, then = json.loads(node(example("js app") + asks, url, token))
    assert (first["messages"][0]["title"], first["messages"][0]["clicked_at"]) == ("Hello", None)
    assert first["next"] is None
    assert marked is True
    assert "no JWT" in wrong
    assert then["messages"][0]["clicked_at"]
    seq = stage.snapshot("zoë").seq
    stage.deliver()
    assert stage.snapshot("zoë").seq == seq + 1


def test_the_template_compiles_and_its_mistakes_are_found(tmp_path: Path) -> None:
    template = HELLO + example("yaml template")

    def codes(name: str, text: str) -> list[str]:
        root = write_project(tmp_path / name, {"greeting": JOURNEY}, {"hello": text})
        return [problem.code for problem in found_in(root)]

    assert codes("right", template) == []
    assert codes("duration", template.replace("7d", "a week")) == ["SW608"]
    assert codes("field", template.replace("expires_after", "expires")) == ["SW603"]
    without = re.sub(r"^  (url|expires_after):.*\n", "", template, flags=re.MULTILINE)
    assert codes("optional", without) == []
    assert codes("missing", without.replace("  title: New in the shop\n", "")) == ["SW603"]
