"""The store that meters itself and the meter of calls to DynamoDB count the same, on the same
work.
"""

from __future__ import annotations

import boto3
from moto import mock_aws

from infra.local.account import REGION
from infra.local.engine import create_table
from stepwell.aws.dynamodb import DynamoStore
from stepwell.events.model import EventType
from stepwell.simulation.costs.metering import MeteredStore
from stepwell.storage.operations import Delete, Key, Put, TableName, Update
from tests.bench import meter as bench
from tests.support.programs import branch, entry, hold, program
from tests.support.world import World, event


@mock_aws
def test_both_meters_count_the_same() -> None:
    client = boto3.client("dynamodb", region_name=REGION)
    for name in ("customers", "records"):
        create_table(client, name)
    store = MeteredStore(DynamoStore(client, "customers", "records"))
    store.caller = "router"
    steps = [hold("wait", branch("acted", "Acted"))]
    world = World(program(entry=entry("Started", reentry="always"), steps=steps), store=store)
    with bench.metering() as counted:
        token = bench._caller.set("router")
        _work(world, store)
        bench._caller.reset(token)
    assert counted.calls["router", "dynamodb:TransactWriteItems"] >= 6
    assert sum(counted.of("router").values()) == store.requests["router"]
    assert counted.read_units["router"] == store.reads["router"] > 10
    assert counted.write_units["router"] == store.writes["router"] > 30


def _work(world: World, store: MeteredStore) -> None:
    long = "Grüße " * 900
    people = {"email": "ada@example.com", "phone": "+447700900001", "about": long}
    world.send(event("", number="1", type=EventType.IDENTIFY, traits=people))
    consent = {"purpose": "marketing", "channel": "sms", "status": "granted"}
    world.send(event("Consent Updated", number="2", properties=consent))
    for number in range(3, 6):
        world.send(event(number=str(number), properties={"cart_value": 280.5, "note": long}))
    world.send(event("Acted", number="6"), event("Ordered", number="7"))
    key = Key(TableName.RECORDS, "CUSTOMER#1", "DECISION#1")
    store.write(Put(key, {"rules": [{"rule": "consent", "n": -3, "none": None}], "text": long}))
    store.write(Update(key, {"rules": []}))
    store.get(key)
    store.query(TableName.RECORDS, "CUSTOMER#1", prefix="DECISION#")
    store.get_many([key, key._replace(sk="none")])
    store.write(Put(key._replace(sk="short"), {"a": 1}))
    store.write(Delete(key._replace(sk="short")))
