"""`stepwell quarantine` on moto: from ingest's refusal to the router, and every crash between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.local.account import ACCOUNT, REGION
from stepwell.aws import clients
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.quarantine import QuarantineBucket
from stepwell.aws.quarantine_desk import AGAIN_WITHIN, QuarantineDesk
from stepwell.cli import quarantine
from stepwell.cli.main import main
from stepwell.events.intake import QueueUnavailableError
from stepwell.events.registry import Registry
from tests.support.stage import ARCHIVE, PREFIX, QUARANTINE, TUESDAY, Stage

Json = dict[str, Any]
ORDER = {
    "event": "Order Completed",
    "userId": "ada",
    "messageId": "o-1",
    "properties": {"order_id": "1", "total": "59.90"},
}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage() as stage:
        _deploy_ingest(stage)
        monkeypatch.setattr(quarantine, "datetime", _clock(stage))
        stage.identify("ada", tier=1)
        yield stage


def _clock(stage: Stage) -> type[datetime]:
    class Now(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Now:
            return cls.fromtimestamp(stage.engine.clock.now().timestamp(), tz)

    return Now


def _deploy_ingest(stage: Stage, **changes: str) -> None:
    """The function as the operator's account knows it: its settings name the registry."""
    s3 = stage.engine.client("s3")
    [key] = [
        each["Key"]
        for each in s3.list_objects_v2(Bucket=f"{PREFIX}programs", Prefix="registries/")["Contents"]
    ]
    variables = {
        "PROGRAMS_BUCKET": f"{PREFIX}programs",
        "REGISTRY_KEY": key,
        "UNKNOWN_EVENTS": "accept",
    }
    role = stage.engine.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    stage.engine.client("lambda").create_function(
        FunctionName=f"{PREFIX}ingest",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": b"-"},
        Environment={"Variables": variables | changes},
    )


def publish(stage: Stage, change: Callable[[Json], None]) -> None:
    """Deploy another registry."""
    s3, functions = stage.engine.client("s3"), stage.engine.client("lambda")
    name = f"{PREFIX}ingest"
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]
    bucket, key = f"{PREFIX}programs", settings["Variables"]["REGISTRY_KEY"]
    document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    change(document["events"])
    settings["Variables"]["REGISTRY_KEY"] = "registries/later.json"
    s3.put_object(Bucket=bucket, Key="registries/later.json", Body=json.dumps(document).encode())
    functions.update_function_configuration(FunctionName=name, Environment=settings)


def refuse(stage: Stage, call: Json = ORDER, kind: str = "track") -> str:
    """A call that ingest refuses; its id."""
    answer = stage.call(kind, call)
    assert answer["statusCode"] == 400, answer
    return str(json.loads(answer["body"])["quarantine_id"])


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert main(["quarantine", *words, "--stage", "local", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    found = run(capsys, "list", "--state", "all")["entries"]
    return {each["id"]: each["state"] for each in found}


def objects(stage: Stage, prefix: str = "entries/") -> list[str]:
    listed = stage.engine.client("s3").list_objects_v2(Bucket=QUARANTINE, Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", ())]


# ---------------------------------------------------------------- the whole way


def test_a_refused_event_is_corrected_and_applied_once_as_of_its_receipt(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage)
    stage.engine.run_until(TUESDAY + timedelta(hours=5))
    [found] = run(capsys, "list")["entries"]
    assert (found["id"], found["state"], found["event"]) == (entry, "open", "Order Completed")
    assert found["errors"] == [{"field": "properties.total", "message": "must be a number"}]

    assert run(capsys, "fix", entry, "--set", "properties.total=59.9") == {
        "corrected": [entry],
        "refused": [],
    }
    assert states(capsys) == {entry: "corrected"}
    assert run(capsys, "replay", entry) == {"replayed": [entry], "refused": []}
    assert states(capsys) == {entry: "replayed"}
    assert run(capsys, "list")["entries"] == []

    before = stage.snapshot("ada").seq
    assert stage.deliver(times=2) == {"batchItemFailures": []}
    assert stage.snapshot("ada").seq == before + 1
    [archived] = stage.engine.client("s3").list_objects_v2(
        Bucket=ARCHIVE, Prefix="events/date=2026-11-24/hour=21/14"
    )["Contents"][1:]
    assert archived["Key"], "under the minute of its first receipt"


def test_the_original_the_correction_and_who_did_it_are_shown(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage)
    run(
        capsys,
        "fix",
        entry,
        "--set",
        "properties.total=1",
        "--remove",
        "properties.order_id",
        "--set",
        "properties.order_id=A-1",
    )
    run(capsys, "replay", entry)
    shown = run(capsys, "show", entry)
    assert shown["call"]["properties"] == {"order_id": "1", "total": "59.90"}
    fixed, began = shown["history"]
    assert fixed["call"]["properties"] == {"total": 1, "order_id": "A-1"}
    assert fixed["changes"] == [
        "set properties.total",
        "set properties.order_id",
        "remove properties.order_id",
    ]
    assert shown["closed"]["what"] == "replayed"
    assert shown["closed"]["events"] == ["o-1"]
    for each in (fixed, began, shown["closed"]):
        assert f":{ACCOUNT}:" in each["by"]
        assert each["at"].startswith("2026-11-24T21:14")
    assert main(["quarantine", "show", entry, "--stage", "local"]) == 0
    said = capsys.readouterr().out
    for part in ("properties.total: must be a number", '"59.90"', "corrected at", "replayed at"):
        assert part in said


def test_a_schema_that_was_wrong_is_changed_and_all_is_replayed(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [refuse(stage, ORDER | {"messageId": f"o-{number}"}) for number in range(3)]
    other = refuse(stage, {"userId": "ada", "messageId": "x"})
    assert run(capsys, "replay", "--all", status=1)["replayed"] == []

    def widen(events: Json) -> None:
        events["Order Completed"]["1"]["properties"]["total"] = {"type": ["number", "string"]}

    publish(stage, widen)
    result = run(capsys, "replay", "--all", status=1)
    assert sorted(result["replayed"]) == sorted(ids)
    assert result["refused"] == [
        {"id": other, "errors": [{"field": "event", "message": "Field required"}]}
    ]
    assert states(capsys)[other] == "open"
    before = stage.snapshot("ada").seq
    stage.deliver()
    assert stage.snapshot("ada").seq == before + 3


# ---------------------------------------------------------------- what ingest keeps


def test_an_sdk_that_sends_again_writes_the_same_object(stage: Stage) -> None:
    calls = [{**ORDER, "type": "track"}, {"type": "track", "userId": "ada", "messageId": "m"}]
    for second in range(3):
        stage.call("batch", {"batch": calls, "sentAt": f"2026-11-24T21:14:0{second}Z"})
    assert len(objects(stage)) == 1


def test_a_resend_does_not_undo_what_was_done(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage)
    run(capsys, "fix", entry, "--set", "properties.total=1")
    stage.engine.run_until(TUESDAY + timedelta(minutes=5))
    assert refuse(stage) == entry
    [found] = run(capsys, "list")["entries"]
    assert (found["state"], found["received_at"]) == ("corrected", "2026-11-24T21:14:00Z")


def test_without_its_bucket_ingest_answers_503(stage: Stage) -> None:
    stage.engine.client("s3").delete_bucket(Bucket=QUARANTINE)
    assert stage.call("track", ORDER)["statusCode"] == 503
    good = ORDER | {"properties": {"order_id": "1", "total": 1}}
    assert stage.call("track", good)["statusCode"] == 200


def test_a_body_that_is_no_json_is_replaced_by_a_file(
    stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer = stage.engine.invoke(
        f"{PREFIX}ingest",
        {
            "path": "/v1/track",
            "headers": {"Authorization": "Basic bG9jYWw6"},
            "body": '{"userId": "ada", "event": NaN}',
        },
    )
    entry = json.loads(answer["body"])["quarantine_id"]
    assert run(capsys, "show", entry)["text"] == '{"userId": "ada", "event": NaN}'
    assert run(capsys, "replay", entry, status=1)["refused"][0]["errors"][0]["message"] == (
        "the call is no JSON object"
    )
    file = tmp_path / "call.json"
    file.write_text(json.dumps({"userId": "ada", "event": "Sneezed"}))
    run(capsys, "fix", entry, "--file", str(file))
    run(capsys, "replay", entry)
    before = stage.snapshot("ada").seq
    stage.deliver()
    assert stage.snapshot("ada").seq == before + 1


# ---------------------------------------------------------------- list


def test_a_list_is_filtered_and_counts_by_error(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    first = refuse(stage)
    again = refuse(stage, ORDER | {"messageId": "o-2"})
    stage.engine.run_until(TUESDAY + timedelta(hours=4))
    late = refuse(stage, {"userId": "ada", "traits": 3}, "identify")
    assert [each["id"] for each in run(capsys, "list")["entries"]] == [
        *sorted((first, again)),
        late,
    ]

    def ids(*words: str) -> set[str]:
        return {each["id"] for each in run(capsys, "list", *words)["entries"]}

    assert ids("--day", "2026-11-24") == {first, again}
    assert ids("--day", "2026-11-25") == {late}
    assert ids("--event", "identify") == {late}
    assert ids("--source", "local") == {first, again, late}
    assert ids("--source", "web") == set()
    run(capsys, "dismiss", again, "--reason", "a test of ours")
    assert ids() == {first, late}
    assert ids("--state", "dismissed") == {again}
    assert ids("--state", "all") == {first, again, late}
    counted = run(capsys, "list", "--state", "all")["errors"][0]
    assert counted == {
        "event": "Order Completed",
        "field": "properties.total",
        "message": "must be a number",
        "count": 2,
    }
    assert main(["quarantine", "list", "--stage", "local"]) == 0
    table = capsys.readouterr().out
    assert "2 refused calls. By error:" in table
    assert f"{first}  open" in table


def test_an_empty_quarantine_says_so(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list", "--stage", "local"]) == 0
    assert capsys.readouterr().out == "Nothing is in quarantine.\n"


def test_what_senders_wrote_moves_no_cursor(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage, {"event": "\x1b[2J" + "x" * 300, "messageId": "\x1b]0;x\x07"})
    for words in (["list"], ["show", entry]):
        assert main(["quarantine", *words, "--stage", "local"]) == 0
        assert "\x1b" not in capsys.readouterr().out


# ---------------------------------------------------------------- what is refused


def test_a_correction_that_is_still_wrong_is_not_kept(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = refuse(stage)
    result = run(capsys, "fix", entry, "--set", "properties.total=-", status=1)
    assert result["refused"][0]["errors"] == [
        {"field": "properties.total", "message": "must be a number"}
    ]
    assert states(capsys) == {entry: "open"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "20261124-0123456789abcdef-0"), "there is no entry 20261124-0123456789abcdef-0"),
        (("show", "../programs"), "there is no entry ../programs"),
        (("fix", "ID"), "say what to correct"),
        (("fix", "ID", "--set", "properties.total"), "write path=value"),
        (("fix", "ID", "--remove", "properties.nothing"), "there is no 'nothing' in it"),
        (("fix", "ID", "--set", "properties..total=1"), "is no path such as"),
        (("fix", "ID", "--file", "nowhere.json"), "nowhere.json"),
        (("replay",), "say which"),
        (("replay", "ID", "--all"), "say which"),
        (("replay", "--state", "replayed"), "only what is open or corrected"),
        (("list", "--stage", "nowhere"), "stage nowhere: "),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    stage: Stage, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    entry = refuse(stage)
    given = [entry if word == "ID" else word for word in words]
    if "--stage" not in given:
        given += ["--stage", "local"]
    assert main(["quarantine", *given]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


def test_what_has_left_is_touched_no_more(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    gone, dismissed = refuse(stage), refuse(stage, ORDER | {"messageId": "o-2"})
    run(capsys, "fix", gone, "--set", "properties.total=1")
    run(capsys, "replay", gone)
    run(capsys, "dismiss", dismissed, "--reason", "ours")
    for entry, how in ((gone, "replayed"), (dismissed, "dismissed")):
        by_hand = ["fix", entry, "--set", "userId=x"], ["dismiss", entry, "--reason", "x"]
        for words in (*by_hand, ["replay", entry]):
            assert main(["quarantine", *words, "--stage", "local"]) == 2
            assert f"{entry} was {how} at 2026-11-24" in capsys.readouterr().err


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


@pytest.mark.parametrize("after", [False, True])
def test_a_replay_that_dies_at_any_call_is_done_again_and_applied_once(
    stage: Stage, capsys: pytest.CaptureFixture[str], after: bool
) -> None:
    nth, done = 0, False
    while not done:
        nth += 1
        entry = refuse(stage, {**ORDER, "messageId": f"o-{nth}"})
        run(capsys, "fix", entry, "--set", "properties.total=1")
        before = stage.snapshot("ada").seq
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
        assert stage.snapshot("ada").seq == before + 1, f"died at call {nth}: {calls}"
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
    assert main(["quarantine", "fix", entry, "--set", "userId=bob", "--stage", "local"]) == 2
    assert "may have got through; replay it again as it is" in capsys.readouterr().err
    stage.engine.run_until(TUESDAY + AGAIN_WITHIN + timedelta(hours=1))
    assert main(["quarantine", "replay", entry, "--stage", "local"]) == 2
    assert "may have forgotten that it applied it; dismiss it" in capsys.readouterr().err
    run(capsys, "dismiss", entry, "--reason", "too late")


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
    assert main(["quarantine", "replay", entry_id, "--stage", "local"]) == 2
    assert "is being dismissed by somebody" in capsys.readouterr().err
    run(capsys, "dismiss", entry_id, "--reason", "ours")
    assert states(capsys) == {entry_id: "dismissed"}
    assert len(run(capsys, "show", entry_id)["history"]) == 2


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
    assert metrics["QuarantineOpen"] == [1]
    assert metrics["stage"] == "local"
    assert metrics["service"] == "quarantine"
    [told] = metrics["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "Stepwell"
    assert {each["Name"] for each in told["Metrics"]} == {"QuarantineOpen", "QuarantineOldestHours"}
    assert set(told["Dimensions"][0]) == {"service", "stage"}
