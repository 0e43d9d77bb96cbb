"""The shipped year is what its generator makes of it, reaches nobody, and goes through journeys."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from events.replays.make_replay import write_replay
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.population import sources
from stepwell.simulation.population.sources import read_events
from stepwell.simulation.trace import Status

FOLDER = Path("events/replays/online_retail_year")
JOURNEYS = ("post_purchase", "win_back")
FICTIONAL_PHONE = re.compile(r"\+447700900\d{3}|\+3363998\d{4}")


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    text = (FOLDER / "events.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (FOLDER / "orders.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_year_is_what_the_generator_makes() -> None:
    assert (FOLDER / "events.jsonl").read_text(encoding="utf-8") == write_replay(FOLDER)


def test_every_real_order_is_in_it_and_nothing_else(
    calls: list[dict[str, Any]], rows: list[dict[str, str]]
) -> None:
    orders = [row for row in rows if row["kind"] == "order" and float(row["total_gbp"]) > 0]
    sent = {
        each["messageId"]: each["properties"]["total"]
        for each in calls
        if each.get("event") == "Order Completed"
    }
    assert sent == {f"invoice-{row['invoice']}": float(row["total_gbp"]) for row in orders}
    counts = Counter(each.get("event", "identify") for each in calls)
    customers = {row["customer"] for row in rows if row["customer"]}
    assert (len(rows), len(sent), counts["Order Cancelled"]) == (2_093, 1_430, 44)
    assert (len(calls), counts["identify"], len(customers)) == (4_571, 873, 874)
    assert sum("anonymousId" in each for each in calls) == 250 + 2
    said = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"stepwell simulate {' '.join(JOURNEYS)} --events {FOLDER}\n" in said
    assert all(number in said for number in ("2,093", "4,571", "1,430", "44", "873", "250"))


def test_year_is_in_the_order_of_time_with_distinct_message_ids(
    calls: list[dict[str, Any]],
) -> None:
    times = [each["timestamp"] for each in calls]
    assert times == sorted(times)
    assert len({each["messageId"] for each in calls}) == len(calls)


def test_nobody_of_the_year_can_be_reached(calls: list[dict[str, Any]]) -> None:
    traits = [each["traits"] for each in calls if each["type"] == "identify"]
    assert all(re.fullmatch(r"[a-z0-9-]+@example\.(com|org|net)", each["email"]) for each in traits)
    phones = [each["phone"] for each in traits if "phone" in each]
    assert all(FICTIONAL_PHONE.fullmatch(each) for each in phones)
    assert len(phones) == len(set(phones)) > 700


def test_every_event_of_the_year_is_as_its_schema_says(calls: list[dict[str, Any]]) -> None:
    documents = [json.loads(path.read_text()) for path in Path("events/schemas").glob("*.json")]
    schemas = {each["title"]: Draft202012Validator(each) for each in documents}
    for each in calls:
        if each["type"] == "track":
            schemas[each["event"]].validate(each["properties"])


def test_every_order_goes_through_both_journeys_and_all_come_to_an_end() -> None:
    definitions = read_definitions(Path(), frozenset(JOURNEYS))
    source = read_events(FOLDER)
    entered, ended, problems = Counter[str](), Counter[tuple[str, Status, str]](), 0
    for chunk in source.chunks():
        trace = source.play(chunk, definitions, 0).trace
        entered.update(run.journey for run in trace.runs.values())
        ended.update((run.journey, run.status, run.error or "") for run in trace.runs.values())
        problems += len(trace.problems)
    assert source.customers == 873 + 250 + 2
    assert entered == {"post_purchase": 1_430, "win_back": 1_430}
    assert {(status, error) for _, status, error in ended} == {
        (Status.SUCCEEDED, ""),
        (Status.ABORTED, "Exited"),
    }
    assert problems == 0
    assert ended["win_back", Status.SUCCEEDED, ""] > 1_000


def test_customers_get_the_same_messages_in_any_grouping(monkeypatch: pytest.MonkeyPatch) -> None:
    definitions = read_definitions(Path(), frozenset(JOURNEYS))

    def sent() -> list[tuple[str, ...]]:
        source = read_events(FOLDER, days=5)
        return sorted(
            (str(each.at), each.outgoing.channel, each.outgoing.address, str(each.outgoing.content))
            for chunk in source.chunks()
            for each in source.play(chunk, definitions, 0).trace.sendings
        )

    together = sent()
    monkeypatch.setattr(sources, "EVENTS_CHUNK", 7)
    assert sent() == together
    assert len(together) > 80
