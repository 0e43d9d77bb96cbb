"""Events of a file that no schema knows: told once a name, and simulated all the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from stepwell.cli import main
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.simulation.population.sources import read_events
from stepwell.simulation.population.unknown_events import unknown_events, unknown_names
from tests.support.populations import ROOT


def _file(folder: Path, *lines: Mapping[str, object]) -> Path:
    who = {"type": "track", "userId": "ada", "timestamp": "2026-11-24T12:00:00Z"}
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps({**who, **each}) + "\n" for each in lines), encoding="utf-8")
    return path


def test_a_name_is_told_at_its_first_line_with_its_calls(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        {"type": "identify", "traits": {}},
        {"event": "Order Complted"},
        {"event": "First Action"},
        {"batch": [{"event": "Order Complted", "type": "track", "userId": "a"} | _AT] * 2},
    )
    [told] = unknown_events(read_events(path), ROOT)
    assert (told.place.file, told.place.line) == (str(path), 2)
    assert told.message.startswith('no schema has the event "Order Complted", of 3 calls;')
    assert told.remedy.startswith('Did you mean "Order Completed"?')


_AT = {"timestamp": "2026-11-24T12:00:00Z"}


def test_what_comes_after_the_period_is_not_told(tmp_path: Path) -> None:
    late = {"event": "Nothing", "timestamp": "2026-11-27T12:00:00Z"}
    path = _file(tmp_path, {"event": "First Action"}, late)
    assert unknown_events(read_events(path, 1), ROOT) == []
    assert [each.place.line for each in unknown_events(read_events(path), ROOT)] == [2]


def test_the_shipped_replays_have_known_events_only() -> None:
    source = read_events(ROOT / "events" / "replays" / "first_two_days")
    assert unknown_events(source, ROOT) == []
    assert len(unknown_names(source, EventRegistry({}))) == len(source.names) > 1


def test_the_command_warns_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, {"event": "Trial Startd"})
    assert main.main(["simulate", "onboarding", "--events", str(path), "--workers", "1"]) == 0
    output = capsys.readouterr()
    assert f'warning: {path}:1: SW803: no schema has the event "Trial Startd"' in output.err
    assert 'Did you mean "Trial Started"?' in output.err
    assert "warning" not in output.out
