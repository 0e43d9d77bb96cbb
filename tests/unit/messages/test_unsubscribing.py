"""Links that end messages: what a link says, who can make one, and what it does once or often."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from stepwell.customers import keys
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from stepwell.messages.suppression import address_hash, suppression_key, unsubscribed_from
from stepwell.messages.unsubscribing import (
    BadLinkError,
    Link,
    make_token,
    read_token,
    unsubscribe,
    url_of,
)
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Put
from stepwell.timestamps import to_text
from tests.support.fakes import Crash, CrashError, CrashingStore, plain_hasher
from tests.support.messages import NOON

EMAIL = "Ada.Lovelace@example.com"
LINK = Link(
    customer="c0ffee",
    purpose="marketing",
    channel="email",
    message="c0ffee-0123456789abcdef-7.suggest",
    address=address_hash("email", EMAIL, plain_hasher),
)


@dataclass
class Queue:
    full: bool = False
    sent: list[Event] = field(default_factory=list)

    def send(self, events: Sequence[Event]) -> None:
        if self.full:
            raise QueueUnavailableError
        self.sent += events


def other_stage(kind: str, value: str) -> str:
    return plain_hasher(f"another secret {kind}", value)


def test_a_token_is_read_as_it_was_made() -> None:
    assert read_token(make_token(LINK, plain_hasher), plain_hasher) == LINK


def test_a_link_names_nobody() -> None:
    url = url_of(LINK, "https://api.example.com/prod", plain_hasher)
    assert url.startswith("https://api.example.com/prod/v1/unsubscribe?t=")
    token = url.partition("?t=")[2]
    packed = token.partition(".")[0]
    shown = base64.urlsafe_b64decode(packed + "==").decode().lower()
    assert "ada" not in shown
    assert "example.com" not in shown
    assert len(url) < 900  # of the 995 that SES takes in a header


FIELDS = ("customer", "purpose", "channel", "message", "address")


@pytest.mark.parametrize("name", FIELDS)
def test_a_token_of_which_one_part_was_changed_is_refused(name: str) -> None:
    """Nobody makes the link of another purpose, channel or customer out of their own."""
    signature = make_token(LINK, plain_hasher).partition(".")[2]
    payload = make_token(replace(LINK, **{name: "service"}), plain_hasher).partition(".")[0]
    with pytest.raises(BadLinkError):
        read_token(f"{payload}.{signature}", plain_hasher)


def test_every_shortened_token_is_refused() -> None:
    token = make_token(LINK, plain_hasher)
    for length in range(len(token)):
        with pytest.raises(BadLinkError):
            read_token(token[:length], plain_hasher)


@pytest.mark.parametrize(
    "token", ["", ".", "é", "a.b", f"{'a' * 5000}.{'0' * 32}", f"W10.{'0' * 32}", "\ud800.x"]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadLinkError):
        read_token(token, plain_hasher)


def test_a_token_of_another_stage_is_refused() -> None:
    with pytest.raises(BadLinkError):
        read_token(make_token(LINK, other_stage), plain_hasher)


@pytest.mark.parametrize("parts", [[], ["c0ffee"], {"a": 1}, 7])
def test_what_was_signed_for_another_format_is_refused(parts: object) -> None:
    payload = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    with pytest.raises(BadLinkError):
        read_token(f"{payload}.{plain_hasher('unsubscribe_link', payload)}", plain_hasher)


def test_a_hash_that_stands_for_an_address_signs_nothing() -> None:
    """An identity's keyed hash lies in the tables; the same text as a link has another one."""
    payload = make_token(LINK, plain_hasher).partition(".")[0]
    for kind in ("email", "user_id", "journey_key", "suppression#email"):
        with pytest.raises(BadLinkError):
            read_token(f"{payload}.{plain_hasher(kind, payload)}", plain_hasher)


def test_unsubscribing_suppresses_the_address_and_revokes_the_consent() -> None:
    store, queue = MemoryStore(), Queue()
    unsubscribe(LINK, store=store, send=queue.send, now=NOON)
    item = store.get(suppression_key("email", EMAIL.lower(), plain_hasher))
    assert item is not None
    assert item[unsubscribed_from("marketing")] == {"at": to_text(NOON), "proof": LINK.message}
    [event] = queue.sent
    assert (event.name, event.customer, event.timestamp) == ("Consent Updated", "c0ffee", NOON)
    assert event.properties == {
        "purpose": "marketing",
        "channel": "email",
        "status": "revoked",
        "proof": {"form": "unsubscribe link", "message": LINK.message},
    }


def test_unsubscribing_again_says_the_same_again() -> None:
    """Later too, and by another message: the event that the router knows already."""
    store, queue = MemoryStore(), Queue()
    later = NOON + timedelta(days=3)
    unsubscribe(LINK, store=store, send=queue.send, now=NOON)
    unsubscribe(LINK, store=store, send=queue.send, now=later)
    unsubscribe(replace(LINK, message="another"), store=store, send=queue.send, now=later)
    assert len({event.fingerprint for event in queue.sent}) == 1
    assert {event.timestamp for event in queue.sent} == {NOON}
    item = store.get(suppression_key("email", EMAIL, plain_hasher)) or {}
    assert item[unsubscribed_from("marketing")]["at"] == to_text(NOON)


def consent(store: MemoryStore, status: str, at: datetime) -> None:
    grant = {"status": status, "at": to_text(at), "proof": "event-1"}
    store.write(Put(keys.consents("c0ffee"), {"grants": {"marketing#email": grant}}))


def test_who_has_said_yes_in_between_unsubscribes_anew() -> None:
    """With the link of the same message; and a second time in vain."""
    store, queue = MemoryStore(), Queue()
    days = [NOON + timedelta(days=each) for each in range(4)]
    unsubscribe(LINK, store=store, send=queue.send, now=days[0])
    consent(store, "granted", days[1])
    unsubscribe(LINK, store=store, send=queue.send, now=days[2])
    unsubscribe(LINK, store=store, send=queue.send, now=days[3])
    assert [event.timestamp for event in queue.sent] == [days[0], days[2], days[2]]
    assert len({event.fingerprint for event in queue.sent}) == 2


def test_two_purposes_of_one_address_are_two_events() -> None:
    store, queue = MemoryStore(), Queue()
    for purpose in ("marketing", "service"):
        unsubscribe(replace(LINK, purpose=purpose), store=store, send=queue.send, now=NOON)
    assert len({event.fingerprint for event in queue.sent}) == 2
    item = store.get(suppression_key("email", EMAIL, plain_hasher)) or {}
    assert {unsubscribed_from("marketing"), unsubscribed_from("service")} <= item.keys()


def test_two_customers_with_one_address_are_told_each() -> None:
    store, queue = MemoryStore(), Queue()
    for customer in ("c0ffee", "c0de"):
        unsubscribe(replace(LINK, customer=customer), store=store, send=queue.send, now=NOON)
    assert [event.customer for event in queue.sent] == ["c0ffee", "c0de"]
    assert len({event.fingerprint for event in queue.sent}) == 2


def test_the_event_names_the_person_as_apps_do() -> None:
    """Whoever makes profiles anew from the archive gives customers other internal ids."""
    store, queue = MemoryStore(), Queue()
    store.write(Put(keys.profile("c0ffee"), {"merged_into": "c0de"}))
    store.write(Put(keys.profile("c0de"), {"user_id": "ada", "anonymous_ids": ["old", "new"]}))
    unsubscribe(LINK, store=store, send=queue.send, now=NOON)
    [event] = queue.sent
    assert (event.customer, event.user_id, event.anonymous_id) == ("c0ffee", "ada", "new")


def test_after_a_queue_that_took_nothing_another_try_sends_the_event() -> None:
    store, queue = MemoryStore(), Queue(full=True)
    with pytest.raises(QueueUnavailableError):
        unsubscribe(LINK, store=store, send=queue.send, now=NOON)
    assert store.get(suppression_key("email", EMAIL, plain_hasher))  # holds already
    queue.full = False
    unsubscribe(LINK, store=store, send=queue.send, now=NOON + timedelta(hours=1))
    [event] = queue.sent
    assert event.timestamp == NOON


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_after_a_crash_at_any_call_another_try_finishes(call: int, after: bool) -> None:
    """The third one writes; whoever died after it had the address suppressed from then on."""
    store, queue = MemoryStore(), Queue()
    crashing = CrashingStore(store, Crash(call, after))
    with pytest.raises(CrashError):
        unsubscribe(LINK, store=crashing, send=queue.send, now=NOON)
    assert not queue.sent
    unsubscribe(LINK, store=store, send=queue.send, now=NOON + timedelta(minutes=1))
    [event] = queue.sent
    assert event.timestamp == (NOON if (call, after) == (3, True) else NOON + timedelta(minutes=1))
