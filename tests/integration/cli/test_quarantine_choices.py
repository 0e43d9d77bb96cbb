"""`stepwell quarantine` of several ids, of ids and names that there are not, and of odd values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.quarantine import QuarantineBucket
from stepwell.cli.main import main
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from tests.support.quarantine import ORDER, operated, refuse, run, states
from tests.support.stage import QUARANTINE, Stage

UNKNOWN = "20261124-0123456789abcdef-0"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with operated(monkeypatch) as stage:
        yield stage


def three(stage: Stage) -> list[str]:
    return [refuse(stage, {**ORDER, "messageId": f"o-{number}"}) for number in range(3)]


# ---------------------------------------------------------------- several ids


def test_what_cannot_be_dismissed_holds_up_no_other(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = three(stage)
    run(capsys, "dismiss", second, "--reason", "ours")
    words = ("dismiss", first, second, UNKNOWN, third, third, "--reason", "ok")
    result = run(capsys, *words, status=1)
    assert result["dismissed"] == [first, third]
    assert [each["id"] for each in result["refused"]] == [UNKNOWN, second]
    said = [each["errors"][0]["message"] for each in result["refused"]]
    assert said[0].startswith(f"there is no entry {UNKNOWN}")
    assert said[1].startswith(f"{second} was dismissed at ")
    assert set(states(capsys).values()) == {"dismissed"}
    assert main(["quarantine", *words, "--stage", "local"]) == 1
    assert capsys.readouterr().out == "0 of 4 dismissed.\n"


def test_what_there_is_not_holds_up_no_correction_and_no_replay(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = three(stage)
    run(capsys, "fix", second, "--remove", "properties.order_id", status=1)
    fix = ("--remove", "properties.order_id", "--set", "properties.order_id=A")
    total = ("--set", "properties.total=1")
    result = run(capsys, "fix", first, UNKNOWN, third, *fix, *total, status=1)
    assert result["corrected"] == [first, third]
    assert [each["id"] for each in result["failed"]] == [UNKNOWN]
    result = run(capsys, "replay", first, UNKNOWN, second, third, status=1)
    assert sorted(result["replayed"]) == sorted([first, third])
    assert [each["id"] for each in result["refused"]] == [second]
    assert [each["id"] for each in result["failed"]] == [UNKNOWN]


def test_a_field_that_one_does_not_have_holds_up_no_other(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    without = refuse(stage)
    with_coupon = refuse(stage, {**ORDER, "messageId": "o-9", "context": {"coupon": 1}})
    words = ("--remove", "context.coupon", "--set", "properties.total=1")
    result = run(capsys, "fix", without, with_coupon, *words, status=1)
    assert result["corrected"] == [with_coupon]
    [failed] = result["failed"]
    assert failed["message"] == f"{without}: context.coupon: there is no 'context' in it"


@pytest.mark.parametrize("error", [QueueUnavailableError(), KeyboardInterrupt()])
def test_what_breaks_off_says_what_was_done(
    stage: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    ids = sorted(three(stage))
    run(capsys, "fix", *ids, "--set", "properties.total=1")
    send, sent = EventsQueue.send, list[Event]()

    def breaking(queue: EventsQueue, events: Sequence[Event]) -> None:
        if sent:
            raise error
        send(queue, events)
        sent.extend(events)

    monkeypatch.setattr(EventsQueue, "send", breaking)
    status = 130 if isinstance(error, KeyboardInterrupt) else 2
    result = run(capsys, "replay", *ids, status=status)
    assert result == {"replayed": ids[:1], "refused": [], "stopped_at": ids[1]}
    assert main(["quarantine", "replay", *ids[1:], "--stage", "local"]) == status
    assert capsys.readouterr().out == f"0 of 2 replayed; it broke off at {ids[1]}.\n"


# ---------------------------------------------------------------- names that there are not


def test_a_choice_that_takes_none_says_how_many_there_are(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = three(stage)
    run(capsys, "dismiss", first, "--reason", "ours")
    said = "None matches the choice; 2 refused calls wait in quarantine."
    for choice in (("--event", "Nope"), ("--source", "web"), ("--day", "2026-11-23")):
        assert main(["quarantine", "list", *choice, "--stage", "local"]) == 0
        assert capsys.readouterr().out == f"{said}\n"
        for way in ((), ("--all",), ("--json",)):
            assert main(["quarantine", "replay", *choice, *way, "--stage", "local"]) == 2
            told = capsys.readouterr()
            assert (told.out, told.err) == ("", f"stepwell: nothing to replay. {said}\n")
    assert run(capsys, "replay", "--state", "corrected") == {"replayed": [], "refused": []}


def test_of_an_empty_quarantine_a_choice_says_that_it_is_empty(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quarantine", "list", "--event", "Nope", "--stage", "local"]) == 0
    assert capsys.readouterr().out == "Nothing is in quarantine.\n"


# ---------------------------------------------------------------- odd values and bodies


def test_half_a_character_is_kept_as_the_api_keeps_it(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entry = refuse(stage, {"userId": "ada", "traits": 3}, "identify")
    run(capsys, "fix", entry, "--set", r'traits={"a":"\ud800"}', "--set", "traits.b=\udcff")
    fixed = run(capsys, "show", entry)["history"][-1]
    assert fixed["call"]["traits"] == {"a": "\ufffd", "b": "\ufffd"}
    file = tmp_path / "call.json"
    file.write_text(r'﻿{"userId": "ada", "traits": {"a": "\ud800"}}')
    run(capsys, "fix", entry, "--file", str(file))
    run(capsys, "replay", entry)
    stage.deliver()
    run(capsys, "dismiss", refuse(stage), "--reason", "x\udcff")
    assert main(["quarantine", "list", "--state", "all", "--stage", "local"]) == 0


def test_a_file_is_read_as_strictly_as_a_body(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entry, file = refuse(stage), tmp_path / "call.json"
    for text, said in (
        ('{"userId": "ada", "traits": {"score": NaN}}', "has NaN, infinity"),
        ('{"userId": "ada", "traits": {"score": 1e999}}', "has NaN, infinity"),
        ('{"userId": }', "Expecting value: line 1 column 12"),
    ):
        file.write_text(text)
        assert main(["quarantine", "fix", entry, "--file", str(file), "--stage", "local"]) == 2
        assert f"{file}: {said}" in capsys.readouterr().err
    assert states(capsys) == {entry: "open"}


def test_infinity_of_a_correction_that_was_kept_before_is_not_sent(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage, {"userId": "ada", "traits": 3}, "identify")
    bucket = QuarantineBucket(stage.engine.client("s3"), QUARANTINE)
    state = bucket.state(entry)
    state.is_fixed, state.call = True, {"userId": "ada", "traits": {"score": float("inf")}}
    bucket.put_state(entry, state)
    [refused] = run(capsys, "replay", entry, status=1)["refused"]
    said = "the call has NaN or infinity, which is no JSON"
    assert refused["errors"] == [{"field": "", "message": said}]


@pytest.mark.parametrize("body", ['{"userId": "ada", "event": NaN}', "[1]", "\x00"])
def test_of_a_body_that_cannot_be_read_no_field_is_corrected(
    stage: Stage, capsys: pytest.CaptureFixture[str], body: Any
) -> None:
    entry = json.loads(stage.call("track", body)["body"])["quarantine_id"]
    for words in (("--set", "event=Sneezed"), ("--remove", "event")):
        [failed] = run(capsys, "fix", entry, *words, status=1)["failed"]
        said = "its body could not be read as a JSON object; give the whole call with --file"
        assert failed == {"id": entry, "message": f"{entry}: {said}"}
