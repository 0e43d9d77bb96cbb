"""`stepwell write-keys` on moto's DynamoDB, and ingest's view of what it wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
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
from stepwell.events.envelope import ALL_TYPES
from stepwell.events.intake import Source
from stepwell.events.model import EventType
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Key

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
        yield DynamoStore(made, TABLE)
    clients.forget()


def command(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["write-keys", *words]) == 0
    return capsys.readouterr().out


def test_a_key_changes_without_a_gap(
    store: DynamoStore, capsys: pytest.CaptureFixture[str]
) -> None:
    old = json.loads(command(capsys, "add", "shop", "--json"))
    new = json.loads(command(capsys, "add", "shop", "--json"))
    assert WriteKeys(store).source(old["key"], NOW) == Source("shop")
    assert WriteKeys(store).source(new["key"], NOW) == Source("shop")
    command(capsys, "revoke", "shop", old["id"])
    assert WriteKeys(store).source(old["key"], NOW) is None
    assert WriteKeys(store).source(new["key"], NOW) == Source("shop")
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
        "web", frozenset({EventType.TRACK, EventType.PAGE})
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
        (["revoke", "shop", "abc"], "shop has no live key abc; `stepwell write-keys list`"),
        (["list", "--stage", "prod"], "table stepwell-prod-customers of stage prod: "),
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


# ------------------------------------------------------------------------- the register


def register(store: MemoryStore | None = None) -> WriteKeyRegister:
    return WriteKeyRegister(store or MemoryStore())


def test_a_source_has_at_most_two_live_keys() -> None:
    made = register()
    first, _ = made.add("shop", ALL_TYPES, NOW)
    made.add("shop", ALL_TYPES, NOW)
    with pytest.raises(WriteKeyError, match=f"two live keys.*{first}.*revoke one first"):
        made.add("shop", ALL_TYPES, NOW)
    made.add("web", ALL_TYPES, NOW)
    made.revoke("shop", first, NOW)
    made.add("shop", ALL_TYPES, NOW)


def test_a_revoked_key_cannot_be_revoked_again() -> None:
    made = register()
    name, _ = made.add("shop", ALL_TYPES, NOW)
    made.revoke("shop", name, NOW)
    with pytest.raises(WriteKeyError, match="no live key"):
        made.revoke("shop", name, NOW)


@pytest.mark.parametrize("length", [0, 1, ID_LENGTH - 1, ID_LENGTH + 1, 64])
def test_a_key_is_revoked_by_its_whole_id_only(length: int) -> None:
    made = register()
    _, key = made.add("shop", ALL_TYPES, NOW)
    with pytest.raises(WriteKeyError, match="no live key"):
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
    assert WriteKeys(made.store).source(key, NOW) == Source("shop")


class BusyStore(MemoryStore):
    """Somebody else adds a key between the first reading and the first writing."""

    def __init__(self) -> None:
        super().__init__()
        self.is_quiet = False

    def get(self, key: Key) -> dict[str, object] | None:
        item = super().get(key)
        if key.pk == keys.WRITE_KEYS and not self.is_quiet:
            self.is_quiet = True
            WriteKeyRegister(self).add("shop", ALL_TYPES, NOW)
        return item


def test_two_operators_at_once_lose_no_key() -> None:
    made = register(BusyStore())
    made.add("shop", ALL_TYPES, NOW)
    assert len(made.list_all()) == 2
