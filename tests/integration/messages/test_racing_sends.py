"""Threads racing for caps, and for one message, on moto's DynamoDB and in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from infra.local.engine import LocalEngine
from stepwell.aws.dynamodb import DynamoStore
from stepwell.messages.policies import Cap
from stepwell.messages.records import MessageChangedError
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Store
from tests.support.messages import ENROLLMENT, NOON, World, message_program, shipped_policies

THREADS = 50


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with LocalEngine(NOON) as engine, engine.clock.work():
        engine.create_tables()
        client = engine.client("dynamodb")
        yield DynamoStore(client, "stepwell-local-customers", "stepwell-local-records")


def race(world: World, asks: list[dict[str, Any]]) -> list[Mapping[str, Any] | Exception]:
    """All asks at once; what each was answered, or raised."""
    together = Barrier(len(asks))

    def run(ask: dict[str, Any]) -> Mapping[str, Any] | Exception:
        together.wait()
        try:
            return world.send(**ask)
        except MessageChangedError as error:
            return error

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(run, asks))


def of_different_messages(world: World, count: int) -> list[dict[str, Any]]:
    """Each of a journey of its own of the same customer."""
    enrollments = [f"{ENROLLMENT}{number}" for number in range(count)]
    for enrollment in enrollments:
        world.put_enrollment(enrollment)
    return [
        {"enrollment": enrollment, "execution": f"x{number}"}
        for number, enrollment in enumerate(enrollments)
    ]


def test_fifty_messages_racing_for_a_cap_of_three_send_three(store: Store) -> None:
    cap = Cap("three_a_day", ("marketing",), (), 3, 86_400)
    policies = replace(shipped_policies(), caps=(cap,))
    world = World(store=store, policies=policies)
    answers = race(world, of_different_messages(world, THREADS))
    outcomes = Counter(
        (answer["outcome"], answer["reason"]) if isinstance(answer, Mapping) else ("raised", "")
        for answer in answers
    )
    assert outcomes == {("sent", "accepted"): 3, ("suppressed", "capped"): THREADS - 3}
    assert len(world.sent()) == 3
    assert [each["state"] for each in world.units()] == ["confirmed"] * 3
    assert len(world.decisions()) == THREADS


def test_racing_for_a_channels_cap_falls_to_the_next_channel(store: Store) -> None:
    program = message_program(on_cap="next_channel")
    policies = shipped_policies()
    world = World(store=store, policies=policies, program=program)
    race(world, of_different_messages(world, 20))
    assert [each.channel for each in world.sent()] == ["sms", "push"]  # 2 a day, 1 on each of these


def test_a_day_later_there_is_room_again(store: Store) -> None:
    world = World(store=store, program=message_program(on_cap="next_channel"))
    race(world, of_different_messages(world, 10))
    world.now += timedelta(hours=24)
    world.put_enrollment()
    assert world.send()["outcome"] == "sent"


def test_one_message_asked_by_many_at_once_is_sent_once_at_most(store: Store) -> None:
    world = World(store=store)
    answers = race(world, [{} for _ in range(20)])
    final = world.send()
    assert len(world.sent()) <= 1
    assert final["outcome"] in {"sent", "unknown"}
    assert all(answer == final for answer in answers if isinstance(answer, Mapping))
    assert [each["decision"] for each in world.decisions()] == [final["decision"]]
    assert [each["state"] for each in world.units()] == ["confirmed"]
