"""The DynamoDB actions of the shipped state machines do the same in the simulator and on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from infra.local.engine import create_table
from stepwell.aws.attributes import from_attributes, to_attributes
from stepwell.customers import keys
from stepwell.journeys.compiler import asl
from stepwell.simulation.machines.errors import StateError
from stepwell.simulation.machines.payloads import compile_payload
from stepwell.simulation.machines.tasks import compile_action
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, Key, Put, TableName

ENROLLMENT = keys.enrollment("c1", "j#k")
CALLS = {
    asl.UPDATE_ITEM: "update_item",
    asl.UPDATE_ITEM_AND_WAIT: "update_item",
    asl.PUT_ITEM: "put_item",
    asl.GET_ITEM: "get_item",
    asl.TRANSACT_WRITE_ITEMS: "transact_write_items",
}


@cache
def actions() -> dict[str, Mapping[str, Any]]:
    """The states of the shipped machines that speak to DynamoDB, by machine and name."""
    found = {}
    for path in sorted(Path("statemachines/journeys").glob("*/journey.asl.json")):
        for name, state in json.loads(path.read_text(encoding="utf-8"))["States"].items():
            if state.get("Resource") in CALLS:
                found[f"{path.parent.name}: {name}"] = state
    return found


@dataclass
class Frame:
    data: Any
    token: str = "token-2"
    entered_text: str = "2026-11-24T21:14:00.000Z"


def frame(run: int, visit: int, holds: list[str]) -> Frame:
    ids = {"customer": "c1", "enrollment": "j#k", "run": run, "execution": "x"}
    return Frame(
        {
            "ids": ids,
            "key": {"pk": {"S": ENROLLMENT.pk}, "sk": {"S": ENROLLMENT.sk}},
            "run": str(run),
            "holds": {hold: {"visit": str(visit), "outcome": "none"} for hold in holds},
            "deferral": {"answer": {"asked": 0}},
            "failure": {"Error": "Boom", "Cause": "c"},
        }
    )


class Both:
    """The simulator's tables and moto's."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodb", region_name="eu-west-1")
        for name in TableName:
            create_table(self.client, name)
        self.store = MemoryStore()

    def peek(self, key: Key) -> Item | None:
        return self.store.get(key)

    def put(self, item: Item | None) -> None:
        self.store = MemoryStore()
        key = {"pk": {"S": ENROLLMENT.pk}, "sk": {"S": ENROLLMENT.sk}}
        self.client.delete_item(TableName="customers", Key=key)
        if item is not None:
            self.store.write(Put(ENROLLMENT, item))
            self.client.put_item(TableName="customers", Item={**to_attributes(item), **key})

    def here(self, state: Mapping[str, Any], at: Frame) -> Any:
        action: Any = compile_action(state["Resource"], state["Parameters"])
        try:
            return action(at, self)
        except StateError as error:
            return error.name

    def on_moto(self, state: Mapping[str, Any], at: Frame) -> Any:
        text = json.dumps(compile_payload(state["Parameters"])(at))
        for name in TableName:
            text = text.replace(f"${{{name.capitalize()}Table}}", name)
        try:
            answer = getattr(self.client, CALLS[state["Resource"]])(**json.loads(text))
        except ClientError as error:
            return f"DynamoDb.{error.response['Error']['Code']}"
        return {"Item": answer["Item"]} if "Item" in answer else {}

    def items(self, table: TableName) -> tuple[list[Item], list[Item]]:
        found = self.client.scan(TableName=table)["Items"]
        mine = self.store.query(table, ENROLLMENT.pk)
        return mine, sorted(map(from_attributes, found), key=lambda item: str(item["sk"]))

    def clear_records(self) -> None:
        for item in self.client.scan(TableName="records")["Items"]:
            key = {name: item[name] for name in ("pk", "sk")}
            self.client.delete_item(TableName="records", Key=key)


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    with mock_aws():
        yield Both()


@st.composite
def enrollments(draw: st.DrawFn, hold: str) -> Item | None:
    """An enrollment in any state that a hold's slot can be in, or none."""
    if draw(st.integers(0, 9)) == 0:
        return None
    small = st.integers(1, 2)
    item: Item = {
        "status": draw(st.sampled_from(["active", "active", "active", "ended"])),
        "run": draw(small),
        "forget_at": 1_800_000_000,
    }
    optional = {
        f"{hold}_visit": small,
        f"{hold}_seq": small,
        f"{hold}_opened": st.just("2026-11-24T20:00:00.000Z"),
        f"{hold}_outcome": st.sampled_from(["timeout", "exit", "acted"]),
        "token": st.just("token-1"),
    }
    return item | {name: draw(values) for name, values in optional.items() if draw(st.booleans())}


@pytest.mark.parametrize("name", sorted(actions()))
@settings(
    max_examples=settings().max_examples // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_the_same_items_and_errors(both: Both, name: str, data: st.DataObject) -> None:
    state = actions()[name]
    holds = sorted(
        each.removesuffix("_visit")
        for each in state["Parameters"].get("ExpressionAttributeNames", {}).values()
        if each.endswith("_visit")
    )
    item = data.draw(enrollments(holds[0] if holds else "hold"))
    at = frame(data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2)), holds)
    both.put(item)
    both.clear_records()
    said, expected = both.here(state, at), both.on_moto(state, at)
    if isinstance(expected, str) or isinstance(said, str) or "Item" in expected:
        assert said == expected
    for table in TableName:
        mine, theirs = both.items(table)
        assert mine == theirs
