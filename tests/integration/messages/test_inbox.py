"""A journey's message in the app: sent, shown, marked; real handlers on moto, by the gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from infra.local.gateway import Response
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.providers.inbox import Inbox
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from stepwell.messages.inbox_token import make_token
from stepwell.ports import ErrorKind, Outgoing, ProviderError
from stepwell.storage.operations import StoreBusyError
from tests.support.front_door import FrontDoor, engine_template
from tests.support.journey_projects import write_project
from tests.support.stage import INBOX_KEY, PREFIX, ROOT, Stage

JOURNEY = """\
journey: greeting
purpose: marketing
entry: {event: Began, key: event.properties.id}
steps:
  - message: {name: Hello, channels: [in_app, email], template: hello}
  - hold:
      name: Wait for a click
      for: 10d
      until: [{event: Message Clicked, then: continue}]
  - message: {name: Thanks, channels: [in_app], template: thanks}
"""
EMAIL = 'email: {subject: Hello, text: "Hello", html: <p>Hello</p>}\n'
IN_APP = (
    'in_app: {title: "{{ event.properties.word }}", body: Look, '
    'url: "{{ event.properties.id }}", expires_after: 3d}\n'
)
THANKS = "in_app: {title: Thank you, body: For looking}\n"


@dataclass
class App:
    """A stage whose journey writes to the inbox, and its app, with a token for one user."""

    stage: Stage
    door: FrontDoor

    def ask(
        self, path: str = "", *, user: str = "ada", method: str = "GET", key: str = INBOX_KEY
    ) -> Response:
        token = make_token(user, key, until=datetime.now(UTC) + timedelta(hours=1))
        headers = {"Authorization": f"Bearer {token}"}
        return self.door.ask(f"/v1/inbox{path}", key=None, method=method, headers=headers)

    def inbox(self, path: str = "", user: str = "ada") -> dict[str, Any]:
        answer = self.ask(path, user=user)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def titles(self, user: str = "ada") -> list[str]:
        return [each["title"] for each in self.inbox(user=user)["messages"]]

    def mark(self, message: str, what: str, user: str = "ada") -> Response:
        return self.ask(f"/{message}/{what}", user=user, method="POST")

    def begin(self, word: str, user: str = "ada", url: str = "https://shop.example/1") -> None:
        self.stage.track("Began", user, word=word, id=url)
        self.stage.engine.settle()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    templates = {"hello": EMAIL + IN_APP, "thanks": THANKS}
    write_project(root, {"greeting": JOURNEY}, templates)
    for name in ("message_clicked", "consent_updated"):
        schema = (ROOT / f"events/schemas/{name}.json").read_text()
        (root / f"events/schemas/{name}.json").write_text(schema)
    shipped = ROOT / "statemachines" / "send_message.asl.json"
    (root / "statemachines" / "send_message.asl.json").write_text(shipped.read_text())
    return root


@pytest.fixture
def app(project: Path) -> Iterator[App]:
    with Stage(project=project) as stage:
        app = App(stage, FrontDoor(stage, engine_template()))
        stage.identify("ada", email="ada@example.com", timezone="Europe/London")
        stage.grant("in_app", user="ada")
        yield app


def test_a_click_in_the_app_wakes_the_journey_once(app: App) -> None:
    app.begin("Dresses")
    [message] = app.inbox()["messages"]
    assert (message["title"], message["url"]) == ("Dresses", "https://shop.example/1")
    assert (message["seen_at"], message["clicked_at"]) == (None, None)
    assert app.mark(message["id"], "seen").status == 200
    seen = app.inbox()["messages"][0]["seen_at"]
    assert seen
    app.stage.deliver()
    seq = app.stage.snapshot().seq
    for _ in range(2):
        assert app.mark(message["id"], "clicked").status == 200
        app.stage.deliver()
        app.stage.engine.settle()
    assert app.stage.snapshot().seq == seq + 1
    assert app.titles() == ["Thank you", "Dresses"]
    assert [each[2:] for each in app.stage.decisions()] == [("in_app", "sent")] * 2
    assert app.mark(message["id"], "dismissed").status == 200
    assert app.titles() == ["Thank you"]
    stored = next(each for each in app.stage.records("MESSAGE#") if each["step"] == "hello")
    assert stored["opened_at"] == seen
    assert {"clicked_at", "dismissed_at", "inbox_at"} <= stored.keys()


def test_pages_expiry_and_answers_as_the_app_sees_them(app: App) -> None:
    for number in range(3):
        app.begin(f"Offer {number}", url=f"https://shop.example/{number}")
        app.stage.engine.run_until(app.stage.engine.clock.now() + timedelta(hours=15))
    page = app.inbox("?limit=2")
    assert [each["title"] for each in page["messages"]] == ["Offer 2", "Offer 1"]
    rest = app.inbox(f"?limit=2&after={page['next']}")
    assert (len(rest["messages"]), rest["next"]) == (1, None)
    app.stage.engine.run_until(app.stage.engine.clock.now() + timedelta(hours=28))
    assert app.titles() == ["Offer 2", "Offer 1"]  # the first one's three days are over
    for wrong in ("?limit=0", "?limit=51", "?limit=x", "?after=%25%25", "?after=_w=="):
        assert app.ask(wrong).status == 400, wrong
    answer = app.ask()
    assert answer.headers["Cache-Control"] == ["no-store"]
    assert answer.headers["Access-Control-Allow-Origin"] == ["*"]
    assert app.inbox(user="somebody new") == {"messages": [], "next": None}


def test_an_inbox_is_its_users_alone(app: App) -> None:
    app.begin("Private")
    app.stage.identify("eve", email="eve@example.com")
    [message] = app.inbox()["messages"]
    assert app.titles("eve") == []
    assert app.mark(message["id"], "seen", user="eve").status == 404
    assert app.mark(message["id"], "seen", user="nobody").status == 404
    assert app.mark(message["id"], "read").status == 404
    assert app.inbox()["messages"][0]["seen_at"] is None
    refused = app.ask(key="a key of somebody else's, thirty-two bytes")
    assert refused.status == 401
    assert "another key" in json.loads(refused.body)["message"]
    assert refused.headers["Access-Control-Allow-Origin"] == ["*"]
    halved = app.ask(user="ada\ud83d")
    assert (halved.status, json.loads(halved.body)["code"]) == (401, "unauthorized")
    assert app.door.ask("/v1/inbox", key=None, method="GET").status == 401
    assert app.door.ask("/v1/inbox", key="local", method="GET").status == 401  # a write key


def test_who_signs_in_brings_the_visitors_inbox_along(app: App) -> None:
    """Bob had another user id once; what he got under it is his still."""
    app.stage.identify("bob-old", email="bob@example.com", timezone="Europe/London")
    app.stage.grant("in_app", user="bob-old")
    app.begin("Before", "bob-old")
    [message] = app.inbox(user="bob-old")["messages"]
    app.stage.identify("bob", timezone="Europe/London")
    app.stage.call("alias", {"userId": "bob", "previousId": "bob-old"})
    app.stage.deliver()
    app.stage.engine.settle()
    assert app.titles("bob") == app.titles("bob-old") == ["Before"]
    assert app.mark(message["id"], "clicked", user="bob").status == 200
    app.stage.deliver()
    app.stage.engine.settle()
    assert app.titles("bob") == ["Thank you", "Before"]


def test_a_link_that_would_run_in_the_app_makes_the_next_channel_be_tried(app: App) -> None:
    app.stage.grant("email", user="ada")
    app.begin("Script", url="javascript:alert(1)")
    assert app.titles() == []
    assert [each[2:] for each in app.stage.decisions()] == [("email", "sent")]


def test_a_key_that_was_changed_leaves_the_one_before_good(app: App) -> None:
    app.begin("Dresses")
    newer = "a newer key of tests, thirty-two bytes long"
    assert app.ask(key=newer).status == 401
    secrets = app.stage.engine.client("secretsmanager")
    secrets.put_secret_value(SecretId=f"{PREFIX}inbox-key", SecretString=newer)
    with patch("stepwell.aws.shared_keys.ASKED_AGAIN", timedelta(0)):
        assert app.ask(key=newer).status == 200
    assert app.ask(key=INBOX_KEY).status == 200


def test_a_mark_that_ended_in_the_middle_is_finished_by_another(app: App) -> None:
    app.begin("Dresses")
    [message] = app.inbox()["messages"]

    def away(_self: EventsQueue, _events: Sequence[Event]) -> None:
        raise QueueUnavailableError

    with patch.object(EventsQueue, "send", away):
        assert app.mark(message["id"], "clicked").status == 503
    app.stage.deliver()
    assert app.titles() == ["Dresses"]
    assert app.mark(message["id"], "clicked").status == 200
    app.stage.deliver()
    app.stage.engine.settle()
    assert app.titles() == ["Thank you", "Dresses"]


def test_a_table_that_is_away_defers_the_message() -> None:
    class Away(DynamoStore):
        def transact(self, operations: object) -> None:
            raise StoreBusyError("throttled")

    provider = Inbox(Away(None, "", ""), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    content = {"title": "Hello", "body": "You"}
    with pytest.raises(ProviderError) as caught:
        provider.send(Outgoing("c1-0-1.hello", "in_app", "ada", content, {"customer": "c1"}))
    assert caught.value.kind is ErrorKind.TEMPORARY
