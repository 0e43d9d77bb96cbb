"""A file of real events: what is wrong is told with its line, what belongs together stays so."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.model import Event
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.population import sources
from stepwell.simulation.population.events_file import EventsFileError, index_events, read_calls
from stepwell.simulation.population.identities import Groups
from stepwell.simulation.population.sources import read_events
from stepwell.timestamps import to_text
from tests.support.populations import ROOT

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def call(minutes: float, user: str | int | None = "ada", **more: Any) -> dict[str, Any]:
    at = to_text(START + timedelta(minutes=minutes))
    who = {} if user is None else {"userId": user}
    order = {"event": "Order Completed", "properties": {"order_id": f"o-{minutes}"}}
    return {"type": "track", "timestamp": at, **order, **who} | more


def write(folder: Path, lines: Sequence[Any]) -> Path:
    path = folder / "events.jsonl"
    texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    path.write_text("".join(each + "\n" for each in texts), encoding="utf-8")
    return path


def applied(path: Path, definitions: Definitions, days: int | None = None) -> list[list[Event]]:
    """The events of each chunk, as they were applied."""
    source = read_events(path, days)
    return [
        [each.event for each in source.play(chunk, definitions, 0).trace.applied]
        for chunk in source.chunks()
    ]


@pytest.fixture(scope="module")
def nothing() -> Definitions:
    return replace(read_definitions(ROOT, frozenset()), profile={})


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"type": }', "is not JSON: Expecting value at character 10; write one JSON object"),
        (b"\xff", "is no UTF-8 text; save the file as UTF-8"),
        ("[" * 100_000, "nested too deep"),
        ("9" * 5_000, "too long a number"),
        (call(1, type="order"), "type 'order' is not taken; write one of track, identify, alias"),
        ({"userId": "ada"}, "type is missing"),
        ({"type": "track", "userId": "ada"}, "timestamp is missing; add when it was sent"),
        (call(1, timestamp="2026-11-24T12:30:00"), "is no time with a zone; write it like"),
        (call(1, timestamp=7), "timestamp 7 is no time with a zone"),
        (call(1, timestamp="0001-01-01T00:00:00+05:00"), "is no time with a zone"),
        (call(1, timestamp="9999-12-31T23:50:00Z"), "is not in the years 1970 to 2200"),
        (call(-1), "before that of the call above; sort the calls by timestamp"),
        (call(1, None), "userId or anonymousId is required"),
        ({"batch": 3}, "`batch` is not a list of calls"),
        ({"batch": [call(1), call(0.5)]}, "sort the calls by timestamp"),
    ],
)
def test_a_wrong_line_is_told_with_file_and_line(tmp_path: Path, line: Any, said: str) -> None:
    path = write(tmp_path, [call(0), "", "{}"])
    broken = line if isinstance(line, bytes) else json.dumps(line).encode()
    if isinstance(line, str):
        broken = line.encode()
    path.write_bytes(path.read_bytes().replace(b"{}\n", broken + b"\n"))
    with pytest.raises(EventsFileError) as raised:
        read_events(path)
    assert str(raised.value).startswith(f"{path}:3: ")
    assert said in str(raised.value)


def test_all_wrong_lines_are_told_up_to_twenty(tmp_path: Path) -> None:
    with pytest.raises(EventsFileError) as raised:
        read_events(write(tmp_path, ["{", call(0), "{", *["["] * 40]))
    lines = [each.split(":")[1] for each in raised.value.problems]
    assert lines == ["1", "3", *map(str, range(4, 22))]


def test_what_the_api_would_refuse_is_told_with_its_line_and_field(
    tmp_path: Path, nothing: Definitions
) -> None:
    path = write(tmp_path, [call(0), "", call(1, event="")])
    with pytest.raises(EventsFileError) as raised:
        applied(path, nothing)
    assert str(raised.value).startswith(f"{path}:3: event: String should have at least 1 char")


def test_a_pipe_is_refused_for_it_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EventsFileError, match="read twice, so a pipe will not do"):
        read_events(tmp_path / "pipe")


def test_a_file_without_calls_or_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EventsFileError, match="there are no calls in it"):
        read_events(write(tmp_path, ["", " "]))
    with pytest.raises(EventsFileError, match="cannot be read: No such file"):
        read_events(tmp_path / "none.jsonl")


def test_of_a_folder_its_events_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, [call(0)])
    assert read_events(tmp_path) == read_events(path)
    assert read_events(tmp_path).path == str(path)


# ---------------------------------------------------------------- what is played


def test_calls_of_all_types_are_applied(tmp_path: Path, nothing: Definitions) -> None:
    more: dict[str, dict[str, Any]] = {
        "page": {"name": "Pricing"},
        "screen": {"name": "Home"},
        "group": {"groupId": "acme"},
        "alias": {"previousId": "before"},
    }
    calls = [call(number, type=kind) | more[kind] for number, kind in enumerate(more)]
    ((*events,),) = applied(write(tmp_path, calls), nothing)
    assert [each.type.value for each in events] == list(more)
    assert [each.name for each in events] == ["Page Viewed", "Screen Viewed", "", ""]


def test_calls_are_applied_at_their_moments_in_their_order(
    tmp_path: Path, nothing: Definitions
) -> None:
    same = [call(3, messageId=f"m-{number}") for number in range(5)]
    person = {"type": "identify", "traits": {"first_name": "Ada"}}
    path = write(
        tmp_path, [call(0), *same, call(4) | person, call(5, timestamp="2026-11-25T00:00:00+01:00")]
    )
    [events] = applied(path, nothing)
    assert [each.id for each in events[1:6]] == [f"m-{number}" for number in range(5)]
    assert events[6].traits == {"first_name": "Ada"}
    assert events[7].received_at == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    assert len({each.id for each in events}) == 8


def test_the_senders_clock_is_corrected_as_by_the_api(tmp_path: Path, nothing: Definitions) -> None:
    late = call(60, originalTimestamp=to_text(START), sentAt=to_text(START + timedelta(minutes=10)))
    [[event]] = applied(write(tmp_path, [late]), nothing)
    assert event.received_at - event.timestamp == timedelta(minutes=10)


def test_a_batch_is_its_calls(tmp_path: Path, nothing: Definitions) -> None:
    batch = {"batch": [call(1), call(2, "ben")], "context": {"locale": "en-GB"}}
    path = write(tmp_path, [call(0), batch, call(3)])
    [events] = applied(path, nothing)
    assert [each.user_id for each in events] == ["ada", "ada", "ben", "ada"]
    assert [bool(each.context) for each in events] == [False, True, True, False]


def test_days_limit_what_is_replayed_and_who_is_in_it(tmp_path: Path, nothing: Definitions) -> None:
    day = 24 * 60
    path = write(tmp_path, [call(0), call(day - 1), call(day, "ben"), "no JSON"])
    [events] = applied(path, nothing, days=1)
    assert [each.user_id for each in events] == ["ada", "ada"]
    source = read_events(path, 1)
    assert (source.customers, source.start, source.until) == (
        1,
        START,
        START + timedelta(days=1),
    )
    assert read_events(write(tmp_path, [call(0), call(9)]), 1).until == START + timedelta(minutes=9)


# ---------------------------------------------------------------- what belongs together


def test_ids_that_calls_connect_are_played_together(
    tmp_path: Path, nothing: Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "EVENTS_CHUNK", 1)
    path = write(
        tmp_path,
        [
            call(0, None, anonymousId="phone"),
            call(1, "ben"),
            call(2, None, anonymousId="laptop"),
            call(3, "ada", anonymousId="phone"),
            call(4, 7),
            call(5, "ada", anonymousId="laptop"),
            call(6, "7"),
            call(7, None, anonymousId="ben"),
        ],
    )
    source = read_events(path)
    assert [each.first for each in source.chunks()] == [
        "anonymousId phone",
        "userId ben",
        "userId 7",
        "anonymousId ben",
    ]
    minutes = [
        [round((each.received_at - START).total_seconds() / 60) for each in events]
        for events in applied(path, nothing)
    ]
    assert minutes == [[0, 2, 3, 5], [1], [4, 6], [7]]


@given(pairs=st.lists(st.lists(st.integers(0, 15), min_size=1, max_size=2), min_size=1))
def test_groups_are_the_connected_components(pairs: list[list[int]]) -> None:
    groups = Groups()
    nodes = [groups.join([str(each) for each in pair]) for pair in pairs]
    parts: list[set[int]] = []
    for pair in pairs:
        touched = [part for part in parts if part & set(pair)]
        parts = [part for part in parts if part not in touched] + [set(pair).union(*touched)]
    for one, first in zip(nodes, pairs, strict=True):
        for other, second in zip(nodes, pairs, strict=True):
            together = any({first[0], second[0]} <= part for part in parts)
            assert (groups.root(one) == groups.root(other)) == together


def test_a_call_costs_little_memory(tmp_path: Path) -> None:
    count = 20_000
    path = write(tmp_path, [call(number / 100, f"u-{number % 50}") for number in range(count)])
    tracemalloc.start()
    index = index_events(str(path), None, 150)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / count < 20
    [part] = index.parts
    assert sum(1 for _ in read_calls(str(path), part)) == count
