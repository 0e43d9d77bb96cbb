"""Replaying what ingest refused, with a crash at every call and others at work; and its watch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.local.account import REGION
from stepwell.aws import clients
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.quarantine import QuarantineBucket, QuarantineError, State
from stepwell.aws.quarantine_desk import AGAIN_WITHIN, QuarantineDesk
from stepwell.cli.main import main
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event
from stepwell.events.registry import Registry
from stepwell.profile.keeping import read_kept
from tests.support.quarantine import (
    ORDER,
    Json,
    operated,
    refuse,
    run,
    states,
)
from tests.support.stage import PREFIX, QUARANTINE, TUESDAY, Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with operated(monkeypatch) as stage:
        yield stage


# ---------------------------------------------------------------- crashes and races


class CrashError(Exception):
    """The process is gone."""


class Dying:
    """A client whose n-th call ends the process: before AWS has it, or after, its answer lost."""

    def __init__(self, client: Any, calls: list[str], nth: int, *, after: bool) -> None:
        self._client, self._calls, self._nth, self._after = client, calls, nth, after

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if name not in ("get_object", "put_object", "send_message_batch"):
            return attribute

        def call(**arguments: Any) -> Any:
            self._calls.append(name)
            dies = len(self._calls) == self._nth
            if dies and not self._after:
                raise CrashError
            try:
                return attribute(**arguments)
            finally:
                if dies:
                    raise CrashError

        return call


def dying_desk(stage: Stage, nth: int, *, after: bool) -> tuple[QuarantineDesk, list[str]]:
    calls: list[str] = []
    s3 = Dying(stage.engine.client("s3"), calls, nth, after=after)
    sqs = Dying(stage.engine.client("sqs"), calls, nth, after=after)
    bucket = QuarantineBucket(s3, QUARANTINE)  # type: ignore[arg-type]
    queue = EventsQueue(sqs, stage.events_url)  # type: ignore[arg-type]
    return QuarantineDesk(bucket, queue, Registry, "somebody"), calls


def orders(stage: Stage) -> int:
    """How many were applied."""
    kept = read_kept(stage.snapshot("ada").profile)
    return max(int(state.get("n", len(state.get("r", ())))) for state in kept.states.values())


@pytest.mark.parametrize("after", [False, True])
def test_a_replay_that_dies_at_any_call_is_done_again_and_applied_once(
    stage: Stage, capsys: pytest.CaptureFixture[str], after: bool
) -> None:
    nth, done = 0, False
    while not done:
        nth += 1
        entry = refuse(stage, {**ORDER, "messageId": f"o-{nth}"})
        run(capsys, "fix", entry, "--set", "properties.total=1")
        desk, calls = dying_desk(stage, nth, after=after)
        try:
            desk.replay(desk.bucket.entry(entry), stage.engine.clock.now())
            done = True
        except CrashError:
            assert len(calls) == nth
            stage.deliver()
            if states(capsys)[entry] != "replayed":
                run(capsys, "replay", entry)
        stage.deliver(times=2)
        assert orders(stage) == nth, f"died at call {nth}: {calls}"
        assert states(capsys)[entry] == "replayed"
    assert nth == 7, "three reads, begin, send, close, and one that gets through"


def test_once_a_replay_began_the_call_stays_as_it_is(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = refuse(stage)
    run(capsys, "fix", entry, "--set", "properties.total=1")

    def full(*_: Any) -> None:
        raise QueueUnavailableError

    with monkeypatch.context() as broken:
        broken.setattr(EventsQueue, "send", full)
        assert main(["quarantine", "replay", entry, "--stage", "local"]) == 2
        assert "replay again: what it took is applied once" in capsys.readouterr().err
    assert main(["quarantine", "fix", entry, "--set", "userId=bob", "--stage", "local"]) == 1
    assert "may have got through; replay it again as it is" in capsys.readouterr().err
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN + timedelta(hours=1))
    assert main(["quarantine", "replay", entry, "--even-if-old", "--stage", "local"]) == 1
    assert "may have forgotten that it applied it; dismiss it" in capsys.readouterr().err
    assert main(["quarantine", "dismiss", entry, "--reason", "late", "--stage", "local"]) == 0
    said = capsys.readouterr().err
    assert f"{entry}: its replay began at 2026-11-24T21:14" in said
    assert "may have got through" in said
    assert run(capsys, "show", entry)["closed"]["replay_began"].startswith("2026-11-24T21:14")


def test_two_who_correct_at_once_do_not_overwrite_each_other(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry_id = refuse(stage)
    desk, _ = dying_desk(stage, 0, after=False)
    entry = desk.bucket.entry(entry_id)

    def while_another_does(call: Json) -> Json:
        run(capsys, "fix", entry_id, "--set", "properties.total=1")
        return {**call, "properties": {"order_id": "2", "total": 2}}

    with pytest.raises(Exception, match="changed by somebody else"):
        desk.fix(entry, while_another_does, ["x"], TUESDAY)
    assert run(capsys, "show", entry_id)["history"][-1]["call"]["properties"]["total"] == 1


def test_what_is_being_dismissed_is_not_replayed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its first write is there, the process gone; dismissing again ends it."""
    entry_id = refuse(stage)
    run(capsys, "fix", entry_id, "--set", "properties.total=1")
    desk, _ = dying_desk(stage, 5, after=False)  # entry, state, closed, state's write, close
    with pytest.raises(CrashError):
        desk.dismiss(desk.bucket.entry(entry_id), "ours", TUESDAY)
    assert main(["quarantine", "replay", entry_id, "--stage", "local"]) == 1
    assert "is being dismissed by somebody" in capsys.readouterr().err
    run(capsys, "dismiss", entry_id, "--reason", "ours")
    assert states(capsys) == {entry_id: "dismissed"}
    assert len(run(capsys, "show", entry_id)["history"]) == 2


class Meanwhile:
    """A queue at whose sending something else happens first."""

    def __init__(self, stage: Stage, happens: Callable[[], object]) -> None:
        self._queue = EventsQueue(stage.engine.client("sqs"), stage.events_url)
        self._happens = happens

    def send(self, events: Sequence[Event]) -> None:
        self._happens()
        self._queue.send(events)


def desk_of(stage: Stage, happens: Callable[[], object]) -> QuarantineDesk:
    bucket = QuarantineBucket(stage.engine.client("s3"), QUARANTINE)
    return QuarantineDesk(bucket, Meanwhile(stage, happens), Registry, "somebody")


def test_who_replays_is_told_that_it_was_dismissed_meanwhile(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """And who dismisses, that the replay may have got through."""
    entry_id = refuse(stage)
    run(capsys, "fix", entry_id, "--set", "properties.total=1")
    said: list[Json] = []
    desk = desk_of(
        stage, lambda: said.append(run(capsys, "dismiss", entry_id, "--reason", "noise"))
    )
    with pytest.raises(QuarantineError, match=r"was sent, but was dismissed at .* stays recorded"):
        desk.replay(desk.bucket.entry(entry_id), TUESDAY)
    assert said == [{"dismissed": [entry_id], "refused": [], "may_have_got_through": [entry_id]}]
    assert states(capsys) == {entry_id: "dismissed"}


def test_who_dismisses_is_told_that_it_was_replayed_meanwhile(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay, already begun, closes between the two writes of the dismissal."""
    entry_id = refuse(stage)
    run(capsys, "fix", entry_id, "--set", "properties.total=1")
    put_state = QuarantineBucket.put_state
    dismissed: list[str] = []

    def dismiss() -> None:
        desk = desk_of(stage, lambda: None)
        entry = desk.bucket.entry(entry_id)

        def then_it_closes(bucket: QuarantineBucket, one: str, state: State) -> State:
            written = put_state(bucket, one, state)
            bucket.close(one, {"what": "replayed", "at": "now", "by": "another", "events": []})
            return written

        with monkeypatch.context() as patched:
            patched.setattr(QuarantineBucket, "put_state", then_it_closes)
            with pytest.raises(QuarantineError, match="was replayed at now by another meanwhile"):
                desk.dismiss(entry, "noise", TUESDAY)
        dismissed.append(entry_id)

    desk = desk_of(stage, dismiss)
    assert desk.replay(desk.bucket.entry(entry_id), TUESDAY) == ()
    assert dismissed == [entry_id]
    assert states(capsys) == {entry_id: "replayed"}
    assert main(["quarantine", "show", entry_id, "--stage", "local"]) == 0
    assert "replayed at now by another" in capsys.readouterr().out


def test_a_second_attempt_does_not_begin_once_it_was_dismissed_after_it_was_read(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = refuse(stage)
    run(capsys, "fix", entry_id, "--set", "properties.total=1")

    def full() -> None:
        raise QueueUnavailableError

    desk = desk_of(stage, full)
    entry = desk.bucket.entry(entry_id)
    with pytest.raises(QueueUnavailableError):
        desk.replay(entry, TUESDAY)
    read = QuarantineBucket.state

    def then_dismissed(bucket: QuarantineBucket, one: str) -> State:
        state = read(bucket, one)
        with monkeypatch.context() as patched:
            patched.setattr(QuarantineBucket, "state", read)
            run(capsys, "dismiss", one, "--reason", "noise")
        return state

    before = stage.snapshot("ada").seq
    monkeypatch.setattr(QuarantineBucket, "state", then_dismissed)
    with pytest.raises(QuarantineError, match="changed by somebody else"):
        desk_of(stage, lambda: None).replay(entry, TUESDAY)
    stage.deliver()
    assert stage.snapshot("ada").seq == before


# ---------------------------------------------------------------- old entries


def test_what_is_old_is_replayed_only_knowingly(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app sent it again rightly: by then the router may have forgotten that."""
    entry = refuse(stage)
    stage.call("track", {**ORDER, "properties": {"order_id": "1", "total": 59.9}})
    stage.deliver()
    run(capsys, "fix", entry, "--set", "properties.total=59.9")
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN + timedelta(hours=1))
    [failed] = run(capsys, "replay", entry, status=1)["failed"]
    assert failed["id"] == entry
    assert "received at 2026-11-24T21:14:00" in failed["message"]
    assert "--even-if-old" in failed["message"]
    assert run(capsys, "show", entry)["history"][-1]["what"] == "corrected", "nothing began"
    assert run(capsys, "replay", entry, "--even-if-old")["replayed"] == [entry]
    assert run(capsys, "show", entry)["history"][-1]["even_if"] == ["old"]


def test_what_is_just_not_old_is_replayed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    entry = refuse(stage)
    run(capsys, "fix", entry, "--set", "properties.total=59.9")
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN - timedelta(hours=1))
    assert run(capsys, "replay", entry)["replayed"] == [entry]


def test_one_that_cannot_be_replayed_holds_up_no_other(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    old = refuse(stage)
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN)
    new = refuse(stage, {**ORDER, "messageId": "o-2"})
    run(capsys, "fix", old, new, "--set", "properties.total=1")
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN + timedelta(hours=1))
    result = run(capsys, "replay", "--all", status=1)
    assert (result["replayed"], result["refused"]) == ([new], [])
    assert [each["id"] for each in result["failed"]] == [old]
    assert main(["quarantine", "replay", "--all", "--stage", "local"]) == 1
    told = capsys.readouterr()
    assert told.out == "0 of 1 replayed.\n"
    assert told.err.startswith(f"{old}: received at ")


def test_an_account_that_cannot_be_reached_is_one_line(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> Any:
        raise EndpointConnectionError(endpoint_url=f"https://sts.{REGION}.amazonaws.com")

    monkeypatch.setattr("stepwell.aws.stages.client", unreachable)
    assert main(["quarantine", "list", "--stage", "local"]) == 2
    assert "Could not connect" in capsys.readouterr().err
    clients.forget()


# ---------------------------------------------------------------- the watch


def test_the_watch_counts_without_reading(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    first = refuse(stage)
    refuse(stage, ORDER | {"messageId": "o-2"})
    run(capsys, "dismiss", first, "--reason", "ours")
    capsys.readouterr()
    answer = stage.engine.invoke(f"{PREFIX}quarantine-watch", {})
    assert answer["open"] == 1
    [metrics] = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line
    ]
    assert metrics["stage"] == "local"
    assert metrics["service"] == "quarantine"
    [told] = metrics["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "Stepwell"
    assert {each["Name"] for each in told["Metrics"]} == {"QuarantineOldestHours"}
    assert set(told["Dimensions"][0]) == {"service", "stage"}
