"""From an email's header to its end: the real handlers on moto, behind the template's gateway."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from moto.sesv2.responses import SESV2Response

from infra.local.gateway import Response
from stepwell.aws.events_queue import EventsQueue
from stepwell.customers import keys
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from stepwell.messages.unsubscribing import Link, make_token, read_token
from stepwell.storage.operations import Item
from tests.support.fakes import CrashError
from tests.support.front_door import FrontDoor, engine_template
from tests.support.stage import Stage

CART: dict[str, Any] = {
    "cart_id": "cart-1",
    "product_id": "p",
    "name": "x",
    "price": 280.0,
    "cart_value": 280.0,
}
EMAIL = "Ada.Lovelace@example.com"
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Mailed:
    """A stage that has sent Ada an email; `requests` are what SES was asked, the newest last."""

    stage: Stage
    door: FrontDoor
    requests: list[dict[str, Any]]

    @property
    def headers(self) -> dict[str, str]:
        simple = self.requests[-1]["Content"]["Simple"]
        return {each["Name"]: each["Value"] for each in simple.get("Headers", ())}

    @property
    def link(self) -> str:
        """Its path and query, as a mail program takes it from the header."""
        parts = urlsplit(self.headers["List-Unsubscribe"].strip("<>"))
        return f"{parts.path}?{parts.query}"

    def post(self) -> Response:
        return self.door.ask(self.link, ONE_CLICK, key=None, headers=FORM)

    def suppression(self) -> Item:
        link = read_token(self.link.partition("?t=")[2], _hasher())
        return self.stage.store.get(keys.suppression("email", link.address)) or {}

    def consent(self, user: str = "ada") -> str:
        self.stage.deliver()
        grants = (self.stage.snapshot(user).consents or {})["grants"]
        return str(grants["marketing#email"]["status"])


def _hasher() -> Any:
    from stepwell.aws.message_functions import hasher  # noqa: PLC0415 - with the stage's settings

    return hasher()


@pytest.fixture
def mailed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailed]:
    requests: list[dict[str, Any]] = []
    real = SESV2Response.send_email

    def send_email(self: Any) -> str:
        requests.append(json.loads(self.body))
        return str(real(self))

    monkeypatch.setattr(SESV2Response, "send_email", send_email)
    with Stage() as stage:
        mailed = Mailed(stage, FrontDoor(stage, engine_template()), requests)
        for user in ("ada", "eve"):
            sign_up(stage, user)
        abandon_a_cart(stage, "ada")
        yield mailed


def sign_up(stage: Stage, user: str) -> None:
    stage.identify(user, email=EMAIL, timezone="Europe/London")
    stage.grant("email", user=user)


def abandon_a_cart(stage: Stage, user: str) -> None:
    stage.track("Product Added", user, **CART | {"cart_id": f"cart-of-{user}"})
    stage.engine.run_until_idle()


def test_unsubscribing_ends_messages_to_the_address_once_and_for_everybody(mailed: Mailed) -> None:
    stage, link = mailed.stage, mailed.link
    assert mailed.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    packed = link.partition("?t=")[2].partition(".")[0]
    shown = json.loads(base64.urlsafe_b64decode(packed + "=="))
    assert not {"ada", EMAIL, EMAIL.lower()} & set(shown)
    body = mailed.requests[-1]["Content"]["Simple"]["Body"]
    for part in ("Html", "Text"):
        assert "Example Shop, 1 Example Street, London" in body[part]["Data"]
        assert link in body[part]["Data"]

    page = mailed.door.ask(link, method="GET", key=None)
    assert page.status == 200
    assert page.headers["Content-Type"] == ["text/html; charset=utf-8"]
    assert page.headers["Cache-Control"] == ["no-store"]
    assert b'<form method="post">' in page.body
    assert (mailed.consent(), mailed.suppression()) == ("granted", {})  # looking changes nothing

    assert mailed.post().status == 200
    assert mailed.consent() == "revoked"
    at = mailed.suppression()["unsubscribe#marketing"]["at"]
    seq = stage.snapshot().seq
    assert mailed.post().status == 200
    assert mailed.consent() == "revoked"
    assert (stage.snapshot().seq, mailed.suppression()["unsubscribe#marketing"]["at"]) == (seq, at)

    # Whoever else has the address gets nothing there either, before they say yes once more.
    sent = len(mailed.requests)
    abandon_a_cart(stage, "eve")
    assert len(mailed.requests) == sent
    assert {each[3] for each in stage.decisions("eve")} == {"suppressed: address_suppressed"}
    stage.grant("email", user="ada")
    stage.track("Product Added", **CART | {"cart_id": "another"})
    stage.engine.run_until_idle()
    assert len(mailed.requests) > sent
    assert mailed.post().status == 200
    assert mailed.consent() == "revoked"
    assert mailed.suppression()["unsubscribe#marketing"]["at"] > at


def test_a_link_of_ones_own_making_is_refused_with_a_page(mailed: Mailed) -> None:
    token = mailed.link.partition("?t=")[2]
    payload, _, signature = token.partition(".")
    other = make_token(Link("c1", "marketing", "email", "m1", "0" * 32), lambda _k, _v: signature)
    for bad in ("", "?t=", f"?t={token[:-1]}", f"?t={payload}", f"?t={other}", "?t=%ff%00"):
        for method in ("GET", "POST"):
            answer = mailed.door.ask(f"/v1/unsubscribe{bad}", ONE_CLICK, key=None, method=method)
            assert answer.status == 400, bad
            assert b"<h1>This link does not work</h1>" in answer.body
    assert (mailed.consent(), mailed.suppression()) == ("granted", {})


def test_what_ended_in_the_middle_is_finished_by_another_click(mailed: Mailed) -> None:
    """The queue is away; then the process dies after it has sent the event."""
    real = EventsQueue.send

    def away(_self: EventsQueue, _events: Sequence[Event]) -> None:
        raise QueueUnavailableError

    def dies(self: EventsQueue, events: Sequence[Event]) -> None:
        real(self, events)
        raise CrashError

    with patch.object(EventsQueue, "send", away):
        answer = mailed.post()
    assert answer.status == 503
    assert b"Please try again" in answer.body
    assert mailed.suppression()  # no message goes out any more, whatever the queue does
    assert mailed.consent() == "granted"
    with patch.object(EventsQueue, "send", dies):
        assert mailed.post().status == 502
    seq = mailed.stage.snapshot().seq
    assert mailed.post().status == 200
    assert mailed.consent() == "revoked"
    assert mailed.stage.snapshot().seq == seq + 1
