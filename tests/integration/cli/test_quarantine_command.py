"""`stepwell quarantine` on moto: from what ingest keeps to what the router applies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.account import ACCOUNT
from stepwell.aws.write_keys import hash_write_key
from stepwell.cli.main import main
from stepwell.customers import keys
from stepwell.storage.operations import Put
from tests.support.quarantine import (
    ORDER,
    Json,
    objects,
    operated,
    publish,
    refuse,
    run,
    states,
)
from tests.support.stage import ARCHIVE, QUARANTINE, TUESDAY, Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with operated(monkeypatch) as stage:
        yield stage


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
    assert stage.snapshot("ada").seq == before + 4  # the third order makes her a regular


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
    answer = stage.call("track", '{"userId": "ada", "event": NaN}')
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


def test_a_call_of_a_batch_that_has_a_batch_stays_open_while_it_is_wrong(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read as a batch of none, it left as replayed, and nothing came of it."""
    stage.call("batch", {"batch": [{**ORDER, "type": "track", "batch": []}]})
    [entry] = states(capsys)
    refused = run(capsys, "replay", entry, status=1)["refused"]
    assert refused[0]["errors"] == [{"field": "properties.total", "message": "must be a number"}]
    assert states(capsys) == {entry: "open"}
    run(capsys, "fix", entry, "--set", "properties.total=1")
    run(capsys, "replay", entry)
    before = stage.snapshot("ada").seq
    stage.deliver()
    assert stage.snapshot("ada").seq == before + 1


def test_a_call_that_its_write_key_may_not_send_is_replayed_only_by_name(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    web = {"source": "web", "types": ["page"]}
    stage.store.write(Put(keys.write_key(hash_write_key("web")), web))
    good, bad = ORDER | {"properties": {"order_id": "1", "total": 1}}, ORDER | {"messageId": "o-2"}
    answers = [stage.call("track", call, key="web") for call in (good, bad)]
    assert {each["statusCode"] for each in answers} == {403}
    entry, wrong = (json.loads(each["body"])["quarantine_id"] for each in answers)
    said = [{"field": "type", "message": "this write key may not send track calls"}]
    refused = run(capsys, "replay", "--all", status=1)["refused"]
    assert [each["errors"] for each in refused] == [said, said]

    result = run(capsys, "replay", entry, wrong, "--allow-types", status=1)
    assert result["replayed"] == [entry]
    assert [each["id"] for each in result["refused"]] == [wrong], "the registry holds"
    assert run(capsys, "show", entry)["history"][-1]["even_if"] == ["any_type"]
    total = ("--set", "properties.total=1")
    assert run(capsys, "fix", wrong, *total, status=1)["refused"][0]["errors"] == said
    run(capsys, "fix", wrong, *total, "--allow-types")
    run(capsys, "replay", wrong, "--allow-types")
    before = stage.snapshot("ada").seq
    stage.deliver()
    assert stage.snapshot("ada").seq == before + 2


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
        (("fix", "ID", "--set", "properties..total=1"), "is no path such as"),
        (("fix", "ID", "--remove", "properties..total"), "is no path such as"),
        (("fix", "ID", "--set", 'traits={"score":NaN}'), "--set traits: the value has NaN"),
        (("fix", "ID", "--file", "nowhere.json"), "nowhere.json"),
        (("dismiss", "ID", "--reason", " "), "--reason: say why"),
        (("fix", "ID", "ID", "--file", "nowhere.json"), "--file is one call: give one id"),
        (("replay", "--all", "--allow-types"), "--allow-types: name the ids"),
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
        fix, dismiss = ["fix", entry, "--set", "userId=x"], ["dismiss", entry, "--reason", "x"]
        for words in (fix, dismiss, ["replay", entry]):
            assert main(["quarantine", *words, "--stage", "local"]) == 1
            assert f"{entry} was {how} at 2026-11-24" in capsys.readouterr().err
