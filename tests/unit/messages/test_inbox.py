"""The in-app inbox: a message is there once, in its order, until it expires or is put away."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from stepwell.customers import keys
from stepwell.customers.identities import identity_key
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from stepwell.messages.inbox import (
    MOST_SHOWN,
    BadLinkError,
    Mark,
    Owner,
    expiry_of,
    find_owner,
    mark,
    put_in,
    show,
)
from stepwell.messages.reach import addresses_on
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Put, Store, TableName
from stepwell.timestamps import to_text
from tests.support.fakes import Crash, CrashError, CrashingStore, plain_hasher
from tests.support.messages import NOON

TEXT = {"title": "Hello", "body": "New in the shop"}
ID = "c1-0123456789abcdef-7.suggest"
MESSAGE = {"message": ID, "step": "suggest", "journey": "cart", "purpose": "marketing"}


@dataclass
class Queue:
    full: bool = False
    sent: list[Event] = field(default_factory=list)

    def send(self, events: Sequence[Event]) -> None:
        if self.full:
            raise QueueUnavailableError
        self.sent += events


def a_store() -> MemoryStore:
    """Ada is c1, and was c0 too before she signed in."""
    store = MemoryStore()
    store.write(Put(identity_key("user_id", "ada", plain_hasher), {"customer": "c0"}))
    store.write(Put(keys.profile("c0"), {"merged_into": "c1"}))
    store.write(Put(keys.profile("c1"), {"user_id": "ada", "former": ["c0"]}))
    return store


def put(
    store: Store, number: int, *, customer: str = "c1", at: datetime = NOON, **more: str
) -> str:
    message = f"{customer}-0123456789abcdef-{number}.suggest"
    store.write(Put(keys.message(customer, message), {**MESSAGE, "message": message}))
    put_in(store, customer, message, TEXT | more, at)
    return message


def ada(store: Store) -> Owner:
    owner = find_owner(store, "ada", plain_hasher)
    assert owner is not None
    return owner


def shown(store: Store, now: datetime = NOON, **page: Any) -> list[str]:
    return [each["id"] for each in show(store, ada(store), now, **page).messages]


def tell(store: Store, message: str, what: Mark, queue: Queue, now: datetime = NOON) -> bool:
    return mark(store, ada(store), message, what, send=queue.send, now=now)


# ------------------------------------------------------------------------- putting in, looking


def test_a_message_is_shown_as_it_was_written() -> None:
    store = a_store()
    message = put(store, 1, url="https://shop.example/new")
    [only] = show(store, ada(store), NOON).messages
    assert only == {
        "id": message,
        "title": "Hello",
        "body": "New in the shop",
        "url": "https://shop.example/new",
        "sent_at": to_text(NOON),
        "seen_at": None,
        "clicked_at": None,
    }


def test_a_message_that_is_sent_again_is_there_once() -> None:
    store = a_store()
    message = put(store, 1)
    put_in(store, "c1", message, TEXT, NOON + timedelta(minutes=1))
    assert shown(store) == [message]


@pytest.mark.parametrize("after", [False, True])
def test_a_message_whose_writing_crashed_is_there_once_after_another_try(after: bool) -> None:
    store = a_store()
    store.write(Put(keys.message("c1", ID), dict(MESSAGE)))
    with pytest.raises(CrashError):
        put_in(CrashingStore(store, Crash(1, after)), "c1", ID, TEXT, NOON)
    assert shown(store) == ([ID] if after else [])
    put_in(store, "c1", ID, TEXT, NOON + timedelta(minutes=1))
    assert shown(store) == [ID]


def test_the_newest_come_first_also_those_of_who_became_this_person() -> None:
    store = a_store()
    old, new = put(store, 1), put(store, 2, at=NOON + timedelta(hours=2))
    between = put(store, 3, customer="c0", at=NOON + timedelta(hours=1))
    assert shown(store) == [new, between, old]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_show_each_message_once(limit: int) -> None:
    store = a_store()
    all_of_them = [
        put(store, n, customer=f"c{n % 2}", at=NOON + timedelta(minutes=n)) for n in range(7)
    ]
    put_away = all_of_them.pop(3)
    assert tell(store, put_away, Mark.DISMISSED, Queue())
    seen: list[str] = []
    after: str | None = None
    for _ in range(10):
        page = show(store, ada(store), NOON, limit=limit, after=after)
        assert len(page.messages) <= limit
        seen += [each["id"] for each in page.messages]
        after = page.after
        if after is None:
            break
    assert seen == all_of_them[::-1]


def test_what_has_expired_is_not_shown() -> None:
    store = a_store()
    put(store, 1)
    soon = put(store, 2, expires_after="1d12h")
    assert soon in shown(store, NOON + timedelta(hours=35))
    assert soon not in shown(store, NOON + timedelta(hours=36))
    assert len(shown(store, NOON + timedelta(days=30, seconds=-1))) == 1
    assert shown(store, NOON + timedelta(days=30)) == []
    [item] = store.query(TableName.RECORDS, "CUSTOMER#c1", prefix="INBOX#", limit=1)
    assert item["expires"] == int((NOON + timedelta(days=30)).timestamp())  # DynamoDB deletes it


def test_every_way_to_write_a_duration_is_understood() -> None:
    whole = timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5)
    assert expiry_of("1w2d3h4m5s", NOON) == NOON + whole


def test_an_inbox_shows_the_newest_two_hundred() -> None:
    store = a_store()
    for number in range(MOST_SHOWN + 5):
        put(store, number, customer=f"c{number % 2}", at=NOON + timedelta(seconds=number))
    found = shown(store, limit=MOST_SHOWN + 5)
    assert len(found) == MOST_SHOWN
    assert found[-1].startswith("c1-0123456789abcdef-5.")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JavaScript://x%0aalert(1)", "data:text/html,x", "no link"]
)
def test_a_link_that_would_run_in_the_app_is_refused(url: str) -> None:
    store = a_store()
    with pytest.raises(BadLinkError):
        put(store, 1, url=url)
    assert shown(store) == []


@pytest.mark.parametrize("url", ["https://a.example/?x=1", "shop://cart/1", "/cart", ""])
def test_links_of_pages_and_of_apps_are_taken(url: str) -> None:
    store = a_store()
    put(store, 1, url=url)
    [only] = show(store, ada(store), NOON).messages
    assert only["url"] == (url or None)


def test_whoever_has_a_user_id_can_be_reached() -> None:
    assert addresses_on({"user_id": "ada"}, "in_app") == ("ada",)
    assert addresses_on({"anonymous_ids": ["x"]}, "in_app") == ()
    assert find_owner(a_store(), "eve", plain_hasher) is None


# ------------------------------------------------------------------------- marking

NAMES = {
    Mark.SEEN: "Message Opened",
    Mark.CLICKED: "Message Clicked",
    Mark.DISMISSED: "Message Dismissed",
}


@pytest.mark.parametrize("what", Mark)
def test_a_mark_is_recorded_once_and_told_as_one_event(what: Mark) -> None:
    store, queue = a_store(), Queue()
    message = put(store, 1, customer="c0")
    for minutes in (1, 2):
        assert tell(store, message, what, queue, NOON + timedelta(minutes=minutes))
    first = NOON + timedelta(minutes=1)
    assert {event.name for event in queue.sent} == {NAMES[what]}
    assert len({event.fingerprint for event in queue.sent}) == 1
    event = queue.sent[0]
    assert (event.customer, event.timestamp) == ("c0", first)
    assert event.properties["message"] == message
    assert (event.properties["channel"], event.properties["step"]) == ("in_app", "suggest")


def test_marks_are_shown_and_a_click_is_a_look_too() -> None:
    store, queue = a_store(), Queue()
    seen, clicked, away = (put(store, n, at=NOON + timedelta(minutes=n)) for n in range(3))
    later = NOON + timedelta(hours=1)
    for message, what in ((seen, Mark.SEEN), (clicked, Mark.CLICKED), (away, Mark.DISMISSED)):
        tell(store, message, what, queue, later)
    second, first = show(store, ada(store), NOON).messages
    assert (first["id"], first["seen_at"], first["clicked_at"]) == (seen, to_text(later), None)
    assert (second["id"], second["seen_at"]) == (clicked, to_text(later))
    tell(store, away, Mark.SEEN, queue, later)  # late: it does not come back
    assert away not in shown(store)


@pytest.mark.parametrize(
    "message", ["", "c1", "c1-", "c9-0123456789abcdef-1.suggest", "c1-0123456789abcdef-9.suggest"]
)
def test_what_is_not_in_the_users_inbox_cannot_be_marked(message: str) -> None:
    store, queue = a_store(), Queue()
    put(store, 1)
    put(store, 1, customer="c9")
    by_email = {**MESSAGE, "message": "c1-0123456789abcdef-9.suggest"}
    store.write(Put(keys.message("c1", by_email["message"]), by_email))
    assert not tell(store, message, Mark.SEEN, queue)
    assert not queue.sent


def test_after_a_queue_that_took_nothing_another_try_tells_it() -> None:
    store, queue = a_store(), Queue(full=True)
    message = put(store, 1)
    with pytest.raises(QueueUnavailableError):
        tell(store, message, Mark.CLICKED, queue)
    queue.full = False
    assert tell(store, message, Mark.CLICKED, queue, NOON + timedelta(hours=1))
    [event] = queue.sent
    assert event.timestamp == NOON


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [1, 2])
def test_after_a_crash_at_any_call_another_try_tells_it(call: int, after: bool) -> None:
    store, queue = a_store(), Queue()
    message, owner = put(store, 1), ada(store)
    crashing = CrashingStore(store, Crash(call, after))
    with pytest.raises(CrashError):
        mark(crashing, owner, message, Mark.SEEN, send=queue.send, now=NOON)
    assert not queue.sent
    assert tell(store, message, Mark.SEEN, queue)
    assert len(queue.sent) == 1


def test_two_devices_at_once_tell_one_moment() -> None:
    store, queue = a_store(), Queue()
    message, owner = put(store, 1), ada(store)
    barrier = threading.Barrier(8)

    def device(number: int) -> None:
        barrier.wait()
        now = NOON + timedelta(seconds=number)
        mark(store, owner, message, Mark.SEEN, send=queue.send, now=now)

    threads = [threading.Thread(target=device, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queue.sent) == 8
    assert len({event.fingerprint for event in queue.sent}) == 1
