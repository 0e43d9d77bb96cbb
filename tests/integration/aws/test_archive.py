"""The archive on moto: written before anything is applied, and enough to make all profiles anew."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepwell.aws import clients
from stepwell.aws.archive import Archive, ArchiveError
from stepwell.aws.hasher import SecretHasher
from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import USER_ID
from stepwell.customers.routing import Router
from stepwell.customers.snapshot import load_snapshot
from stepwell.events.model import Event, to_message
from stepwell.journeys.reactions import Catalog
from stepwell.ports import Hasher
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Store
from tests.support.fakes import RecordedExecutions
from tests.support.stage import ARCHIVE, PREFIX, TUESDAY, Stage

USERS = ("ada", "bob", "cyd")
DECLARED = {
    "place": {"purposes": ["service"], "keep_seconds": 86_400, "precision_km": 1.0, "names": []},
    "device": {"purposes": ["service"], "keep_seconds": 30 * 86_400},
}
DAYS = (date(2026, 11, 24), date(2026, 11, 26))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(policies={"profile": {"context": DECLARED}}) as stage:
        yield stage


def archive(stage: Stage) -> Archive:
    return Archive(stage.engine.client("s3"), ARCHIVE)


def archived(stage: Stage) -> list[Event]:
    return [event for minute in archive(stage).read(*DAYS) for event in minute]


def objects(stage: Stage) -> list[str]:
    found = stage.engine.client("s3").list_objects_v2(Bucket=ARCHIVE)
    return [each["Key"] for each in found.get("Contents", ())]


def hasher(stage: Stage) -> Hasher:
    return SecretHasher(stage.engine.client("secretsmanager"), f"{PREFIX}hash")


def send(stage: Stage, *calls: dict[str, Any]) -> None:
    """One batch, through ingest and the queue, which delivers everything twice."""
    answer = stage.call("batch", {"batch": list(calls)})
    assert answer["statusCode"] == 200, answer
    assert stage.deliver(times=2) == {"batchItemFailures": []}


def track(user: str, event: str, number: int, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": user,
        "event": event,
        "messageId": f"{event}-{number}",
        "properties": properties,
    }


def consent(user: str, number: int, status: str, channel: str = "sms") -> dict[str, Any]:
    answer = {"purpose": "marketing", "channel": channel, "status": status}
    return track(user, "Consent Updated", number, **answer)


def identify(user: str, number: int, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "messageId": f"i-{number}", "traits": traits}


def play(stage: Stage) -> None:
    """Two days of three customers, with all that happens to events on their way; each is known as
    a visitor first, and one of them under two ids until they sign in.
    """
    for user in USERS:
        send(
            stage, {**track(user, "Product Viewed", 0), "userId": None, "anonymousId": f"a-{user}"}
        )
        send(
            stage,
            {**identify(user, 0, email=f"{user}@example.com", tier=1), "anonymousId": f"a-{user}"},
            *(identify(user, number, tier=number, plan="pro") for number in range(1, 25)),
        )
    send(stage, *(consent(user, 1, "granted") for user in USERS))
    there = {"context": {"location": {"latitude": 52.5, "longitude": 13.4}}}
    late = {"timestamp": "2026-11-24T20:00:00Z"}
    send(stage, track("ada", "Product Viewed", 50) | {"context": {"device": {"model": "new"}}})
    send(
        stage, track("ada", "Product Viewed", 51) | {"context": {"device": {"model": "old"}}} | late
    )
    send(stage, *(track(user, "Product Viewed", 52) | there for user in ("ada", "bob")))
    repeated = track("ada", "Order Completed", 1, order_id="1", revenue=59.9)
    send(stage, repeated, repeated, consent("ada", 2, "revoked"), consent("ada", 2, "revoked"))
    stage.engine.run_until(TUESDAY + timedelta(hours=3))
    send(stage, identify("bob", 30, plan=None, phone="+447700900123", timezone="Europe/London"))
    send(stage, repeated, consent("ada", 1, "granted"))  # an SDK sends again, hours later
    send(stage, {**consent("bob", 3, "revoked"), "timestamp": "2026-11-24T20:00:00Z"})  # late
    stage.engine.run_until(TUESDAY + timedelta(hours=30))
    group = {"type": "group", "userId": "cyd", "groupId": "acme", "messageId": "g"}
    alias = {"type": "alias", "userId": "cyd", "previousId": "a-cyd", "messageId": "l"}
    send(stage, {**group, "traits": {"name": "Acme"}}, alias)
    device = {"context": {"device": {"token": "t1"}, "timezone": "Europe/Paris"}}
    phone = {**identify("", 40, phone="+447700900125", tier=0), "userId": None, **device}
    no = {**consent("", 41, "revoked", "push"), "userId": None}
    tablet = {"anonymousId": "tablet-cyd"}
    send(
        stage,
        phone | tablet,
        no | tablet,
        {**identify("", 42, plan="basic", city="Bath"), **tablet, "userId": ""},
    )
    send(
        stage, {**track("cyd", "Product Viewed", 43), **tablet}, track("cyd", "Product Viewed", 44)
    )


def rebuilt(stage: Stage) -> tuple[MemoryStore, RecordedExecutions]:
    """A store with nothing in it but what the archive says, two months later."""
    numbers = itertools.count(1)
    executions = RecordedExecutions()
    router = Router(
        MemoryStore(),
        Catalog((), lambda version: pytest.fail(f"asks for {version}")),
        executions,
        hasher(stage),
        lambda: f"c{next(numbers)}",
        profile=ProfileRules({"context": DECLARED}),
    )
    for event in archived(stage):
        router.route(event, TUESDAY + timedelta(days=60))
    assert isinstance(router.store, MemoryStore)
    return router.store, executions


def known(store: Store, hashed: Hasher, user: str) -> tuple[Item, Item]:
    """Profile and consents without names of items: ids of customers are drawn anew.

    `touched` names the enrollments that the last event wrote, and those are not rebuilt.
    """
    identity = store.get(identity_key(USER_ID, user, hashed))
    assert identity
    snapshot = load_snapshot(store, identity["customer"])
    assert snapshot.profile
    assert snapshot.consents
    left_out = {"pk", "sk", "touched", "former", "merged"}
    profile = {name: each for name, each in snapshot.profile.items() if name not in left_out}
    return profile, snapshot.consents["grants"]


def test_profiles_and_consents_are_rebuilt_from_the_archive_alone(stage: Stage) -> None:
    play(stage)
    store, executions = rebuilt(stage)
    hashed = hasher(stage)
    for user in USERS:
        profile, grants = known(stage.store, hashed, user)
        assert known(store, hashed, user) == (profile, grants)
        assert profile["seq"] >= 27
        assert f"a-{user}" in profile["anonymous_ids"]
    assert executions.calls == []
    ada, bob, cyd = (known(store, hashed, user) for user in USERS)
    assert json.loads(ada[0]["traits"])["tier"] == 24
    assert (stage.snapshot("cyd").profile or {})["former"]
    assert json.loads(ada[0]["device"])["model"] == "new"  # what came later had happened earlier
    assert json.loads(ada[0]["place"])["latitude"] != 52.5
    assert "place" not in cyd[0]
    assert ada[1]["marketing#sms"]["status"] == "revoked"
    assert bob[1]["marketing#sms"]["status"] == "granted"  # the late answer was the earlier one
    assert "plan" not in json.loads(bob[0]["traits"])
    assert cyd[0]["previous_ids"] == ["a-cyd"]
    assert cyd[0]["anonymous_ids"] == ["tablet-cyd", "a-cyd"]
    assert cyd[1]["marketing#push"]["status"] == "revoked"
    traits = json.loads(cyd[0]["traits"])
    assert (traits["plan"], traits["tier"], traits["phone"]) == ("basic", 0, "+447700900125")


def test_an_event_lies_under_the_minute_of_its_receipt(stage: Stage) -> None:
    stage.track("Product Viewed", price=9.5)
    [key] = objects(stage)
    assert key.startswith("events/date=2026-11-24/hour=21/14-")
    [event] = archived(stage)
    assert (event.name, event.user_id, event.properties) == (
        "Product Viewed",
        "ada",
        {"price": 9.5},
    )


def test_a_batch_is_one_object_however_often_it_comes(stage: Stage) -> None:
    calls = [track("ada", "Product Viewed", number) for number in range(8)]
    assert stage.call("batch", {"batch": calls})["statusCode"] == 200
    assert stage.deliver(times=3) == {"batchItemFailures": []}
    assert len(objects(stage)) == 1
    assert [event.id for event in archived(stage)] == [f"Product Viewed-{n}" for n in range(8)]


def test_nothing_is_applied_while_the_archive_cannot_be_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.identify(tier=1)
    [event] = archived(stage)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow down"}}, "PutObject")

    again = {**json.loads(to_message(event)), "id": "i-2", "traits": {"tier": 2}}
    bodies = [json.dumps({**again, "id": f"i-{number}"}) for number in (2, 3)]
    with monkeypatch.context() as patched:
        patched.setattr(clients.client("s3"), "put_object", refuse)
        failed = stage.route(bodies)["batchItemFailures"]
    assert [each["itemIdentifier"] for each in failed] == ["0", "1"]
    assert stage.snapshot().seq == 1
    assert stage.route(bodies) == {"batchItemFailures": []}
    assert stage.snapshot().seq == 3


def test_a_message_that_is_no_event_keeps_no_other_from_the_archive(stage: Stage) -> None:
    stage.identify(tier=1)
    [event] = archived(stage)
    body = to_message(event).replace(event.id, "another")
    answer = stage.route(["{", body])
    # Both are of one group here, which stops at its first failure.
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["0", "1"]
    assert {each.id for each in archived(stage)} == {event.id, "another"}


def test_an_object_that_cannot_be_read_is_named(stage: Stage) -> None:
    key = "events/date=2026-11-24/hour=21/14-0.jsonl.gz"
    stage.engine.client("s3").put_object(Bucket=ARCHIVE, Key=key, Body=b"text")
    with pytest.raises(ArchiveError, match=f"s3://{ARCHIVE}/{key}: "):
        archived(stage)
