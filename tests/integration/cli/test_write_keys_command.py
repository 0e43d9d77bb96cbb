"""`stepwell write-keys` on moto's DynamoDB, and ingest's view of what it wrote."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from stepwell.aws import clients
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.write_key_register import (
    ID_LENGTH,
    MAX_LISTED,
    WriteKeyError,
    WriteKeyRegister,
)
from stepwell.aws.write_keys import WriteKeys, hash_write_key
from stepwell.cli.main import main
from stepwell.customers import keys
from stepwell.events.model import EventType
from stepwell.events.sources import ALL_TYPES, Source, usage_key
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Key, Put, TableName
from stepwell.timestamps import to_text

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
TABLE = "stepwell-dev-customers"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoStore]:
    """The table of stage dev, in an account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        clients.forget()
        made = boto3.client("dynamodb", region_name="us-east-1")
        made.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        plans(boto3.client("apigateway", region_name="us-east-1"), "standard", "high")
        yield DynamoStore(made, TABLE)
    clients.forget()


def plans(client: Any, *tiers: str) -> None:
    """The usage plans of stage dev, as the stack makes them, and one that is none of its tiers."""
    names = [*(f"stepwell-dev-tier-{tier}" for tier in tiers), "stepwell-dev-without-header"]
    for name in names:
        client.create_usage_plan(name=name, throttle={"rateLimit": 1.0, "burstLimit": 1})


def api_keys() -> dict[str, tuple[bool, set[str]]]:
    """Every API key by its name: is it enabled, and in which plans is it?"""
    client = boto3.client("apigateway", region_name="us-east-1")
    found = {}
    for key in client.get_api_keys()["items"]:
        in_plans = client.get_usage_plans(keyId=key["id"])["items"]
        found[key["name"]] = key["enabled"], {each["name"] for each in in_plans}
    return found


def command(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["write-keys", *words]) == 0
    return capsys.readouterr().out


def test_a_key_changes_without_a_gap(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    old = json.loads(command(capsys, "add", "shop", "--json"))
    new = json.loads(command(capsys, "add", "shop", "--json"))
    shop = Source("shop", ALL_TYPES, usage_key("dev", "shop", "standard"))
    assert WriteKeys(store).source(old["key"], NOW) == shop
    assert WriteKeys(store).source(new["key"], NOW) == shop
    command(capsys, "revoke", "shop", old["id"])
    assert WriteKeys(store).source(old["key"], NOW) is None
    assert WriteKeys(store).source(new["key"], NOW) == shop
    listed = json.loads(command(capsys, "list", "--json"))
    assert {each["id"]: bool(each["revoked_at"]) for each in listed} == {
        old["id"]: True,
        new["id"]: False,
    }


def test_a_key_is_shown_once_and_kept_nowhere(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    key = command(capsys, "add", "web", "--types", "track,page").splitlines()[0]
    assert WriteKeys(store).source(key, NOW) == Source(
        "web",
        frozenset({EventType.TRACK, EventType.PAGE}),
        usage_key("dev", "web", "standard"),
    )
    items = store.client.scan(TableName=TABLE)["Items"]
    assert len(items) == 2
    assert key not in json.dumps(items)
    shown = command(capsys, "list")
    assert key not in shown
    assert "page,track" in shown
    assert "live" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "The Shop"], "source 'The Shop': write a small letter"),
        (["add", "shop", "--types", "track,order"], "--types: 'order'; write some of track,"),
        (["revoke", "shop", "abc"], "shop has no key abc; `stepwell write-keys list`"),
        (["add", "shop", "--tier", "top"], "no tier 'top'; there are high, standard"),
        (["tier", "shop", "high"], "shop has no live key; add one with --tier high"),
        (
            ["list", "--stage", "prod"],
            "table stepwell-prod-customers and usage plans of stage prod: ",
        ),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    store: DynamoStore, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["write-keys", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_an_empty_list_says_what_to_do(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "stepwell write-keys add" in command(capsys, "list")


# ------------------------------------------------------------------------- tiers


def test_both_keys_of_a_source_share_one_api_key_in_its_tiers_plan(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    key = command(capsys, "add", "shop", "--tier", "high").splitlines()[0]
    command(capsys, "add", "shop")
    command(capsys, "add", "shop-eu")
    assert api_keys() == {
        "stepwell-dev/shop/high": (True, {"stepwell-dev-tier-high"}),
        "stepwell-dev/shop-eu/standard": (True, {"stepwell-dev-tier-standard"}),
    }
    assert key not in str(boto3.client("apigateway").get_api_keys(includeValues=True))
    shown = command(capsys, "list")
    assert [line.split()[:2] for line in shown.splitlines()] == [
        ["shop", "high"],
        ["shop", "high"],
        ["shop-eu", "standard"],
    ]


def test_the_last_key_that_ends_disables_the_api_key_and_a_new_one_enables_it(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    first = json.loads(command(capsys, "add", "shop", "--json"))["id"]
    second = json.loads(command(capsys, "add", "shop", "--json"))["id"]
    command(capsys, "add", "shop-eu")
    name = "stepwell-dev/shop/standard"
    command(capsys, "revoke", "shop", first)
    assert api_keys()[name][0] is True
    command(capsys, "revoke", "shop", second)
    assert api_keys()[name][0] is False
    assert api_keys()["stepwell-dev/shop-eu/standard"][0] is True
    command(capsys, "add", "shop")
    assert api_keys()[name] == (True, {"stepwell-dev-tier-standard"})


def test_a_source_from_before_there_were_tiers_gets_one(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    hashed, entry = hash_write_key("old"), {"added_at": "2026-01-01T00:00:00.000Z"}
    store.write(Put(keys.write_key(hashed), {"source": "shop", **entry}))
    listed = {"source": "shop", "version": 1, "keys": {hashed: entry}}
    store.write(Put(keys.write_keys_of("shop"), listed))
    assert "no tier" in command(capsys, "list")
    command(capsys, "tier", "shop", "high")
    assert WriteKeys(store).source("old", NOW) == Source(
        "shop", ALL_TYPES, usage_key("dev", "shop", "high")
    )
    assert command(capsys, "list").split()[:2] == ["shop", "high"]


def test_a_source_that_changes_its_tier_is_in_both_plans_for_the_time_being(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Authorizers remember the old one for a minute; nobody else can use it."""
    command(capsys, "add", "shop")
    key = json.loads(command(capsys, "add", "shop", "--tier", "high", "--json"))["id"]
    assert {name: on for name, (on, _) in api_keys().items()} == {
        "stepwell-dev/shop/standard": True,
        "stepwell-dev/shop/high": True,
    }
    for each in json.loads(command(capsys, "list", "--json")):
        assert each["tier"] == "high"
        command(capsys, "revoke", "shop", each["id"])
    assert key
    assert not any(on for on, _ in api_keys().values())


class EndedError(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    "words", [("add", "shop", "--tier", "high"), ("tier", "shop", "high"), ("revoke", "shop", "{}")]
)
def test_a_crash_anywhere_leaves_every_live_key_working_and_repeating_puts_it_right(
    store: DynamoStore, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """The n-th call to AWS is the last one that is made, for every n; then the command again."""
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    crashes = 0
    for last in itertools.count():
        source = f"shop{last}"
        first = json.loads(command(capsys, "add", source, "--json"))
        said = [word.replace("shop", source).format(first["id"]) for word in words]
        calls = itertools.count()

        def fails(self: Any, name: str, request: Any) -> Any:
            if next(calls) == last:  # noqa: B023 - used in this round only
                raise EndedError
            return call(self, name, request)

        with patch.object(BaseClient, "_make_api_call", fails):
            try:
                main(["write-keys", *said])
            except EndedError:
                crashes += 1
            else:
                break
        _check_that_live_keys_work(store, source)
        if main(["write-keys", *said]):  # the lost key counts; it is listed, to be revoked
            assert words[0] == "add"
            assert "two live keys" in capsys.readouterr().err
        capsys.readouterr()
        _check_that_live_keys_work(store, source)
        if words[0] == "revoke":
            assert api_keys()[f"stepwell-dev/{source}/standard"][0] is False
        else:
            assert WriteKeys(store).source(first["key"], NOW) == Source(
                source, ALL_TYPES, usage_key("dev", source, "high")
            )
    assert crashes >= 5


def _check_that_live_keys_work(store: DynamoStore, source: str) -> None:
    client = boto3.client("apigateway", region_name="us-east-1")
    by_value = {each["value"]: each for each in client.get_api_keys(includeValues=True)["items"]}
    for item in store.query(TableName.CUSTOMERS, keys.WRITE_KEYS):
        for hashed, entry in item["keys"].items():
            if item["source"] == source and "revoked_at" not in entry:
                own = store.get(keys.write_key(hashed))
                assert own
                key = by_value[own["usage"]]
                assert key["enabled"]
                assert len(client.get_usage_plans(keyId=key["id"])["items"]) == 1


# ------------------------------------------------------------------------- the register


class Gateway:
    """Stands for API Gateway: which sources it lets in."""

    def __init__(self) -> None:
        self.open: set[str] = set()

    def admit(self, source: str, tier: str) -> str:
        self.open.add(source)
        return usage_key("test", source, tier)

    def close(self, source: str) -> None:
        self.open.discard(source)


def register(store: MemoryStore | None = None, gateway: Gateway | None = None) -> WriteKeyRegister:
    return WriteKeyRegister(store or MemoryStore(), gateway or Gateway())


def test_a_source_has_at_most_two_live_keys() -> None:
    made = register()
    first, _ = made.add("shop", ALL_TYPES, NOW)
    made.add("shop", ALL_TYPES, NOW)
    with pytest.raises(WriteKeyError, match=f"two live keys.*{first}.*revoke one first"):
        made.add("shop", ALL_TYPES, NOW)
    made.add("web", ALL_TYPES, NOW)
    made.revoke("shop", first, NOW)
    made.add("shop", ALL_TYPES, NOW)


def test_a_key_that_is_revoked_again_keeps_the_time_when_it_ended() -> None:
    made = register()
    name, key = made.add("shop", ALL_TYPES, NOW)
    made.revoke("shop", name, NOW)
    made.revoke("shop", name, NOW + timedelta(days=1))
    assert [each.revoked_at for each in made.list_all()] == [to_text(NOW)]
    assert WriteKeys(made.store).source(key, NOW) is None


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_key_that_is_added_while_the_last_one_ends_is_let_in(when: str) -> None:
    store, gateway = MemoryStore(), Gateway()
    made = register(store, gateway)
    last, _ = made.add("shop", ALL_TYPES, NOW)

    class Slow(Gateway):
        """Somebody adds a key around the moment at which this closes the source."""

        def close(self, source: str) -> None:
            if when == "before":
                made.add("shop", ALL_TYPES, NOW)
            gateway.close(source)
            if when == "after":
                made.add("shop", ALL_TYPES, NOW)

        def admit(self, source: str, tier: str) -> str:
            return gateway.admit(source, tier)

    register(store, Slow()).revoke("shop", last, NOW)
    assert gateway.open == {"shop"}


@pytest.mark.parametrize("length", [0, 1, ID_LENGTH - 1, ID_LENGTH + 1, 64])
def test_a_key_is_revoked_by_its_whole_id_only(length: int) -> None:
    made = register()
    _, key = made.add("shop", ALL_TYPES, NOW)
    with pytest.raises(WriteKeyError, match="no key"):
        made.revoke("shop", hash_write_key(key)[:length], NOW)


def test_the_list_of_a_source_is_bounded_and_keeps_the_live_ones() -> None:
    made = register()
    kept, key = made.add("shop", ALL_TYPES, NOW)
    for number in range(MAX_LISTED + 5):
        at = NOW + timedelta(days=number + 1)
        name, _ = made.add("shop", ALL_TYPES, at)
        made.revoke("shop", name, at)
    listed = made.list_all()
    assert len(listed) == MAX_LISTED
    assert [each.id for each in listed if not each.revoked_at] == [kept]
    counted = usage_key("test", "shop", "standard")
    assert WriteKeys(made.store).source(key, NOW) == Source("shop", ALL_TYPES, counted)


class BusyStore(MemoryStore):
    """Somebody else adds a key between the first reading and the first writing."""

    def __init__(self) -> None:
        super().__init__()
        self.is_quiet = False

    def get(self, key: Key) -> dict[str, object] | None:
        item = super().get(key)
        if key.pk == keys.WRITE_KEYS and not self.is_quiet:
            self.is_quiet = True
            register(self).add("shop", ALL_TYPES, NOW)
        return item


def test_two_operators_at_once_lose_no_key() -> None:
    made = register(BusyStore())
    made.add("shop", ALL_TYPES, NOW)
    assert len(made.list_all()) == 2
