"""`stepwell segment`, `list` and `customer` on a stage: real handlers, tables and roles on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.aws.profiles import ScannedProfiles
from stepwell.cli.main import main
from stepwell.journeys.compiler.cel.parser import parse
from tests.support.stage import PREFIX, TUESDAY, Stage
from tests.support.stage_api import by_stage, by_url

PROFILE = {
    "computed": [{"name": "seen", "kind": "count", "event": "Pricing Viewed", "within": 86_400}],
    "segments": [
        {"name": "curious", "when": parse("customer.computed.seen >= 2.0")},
        {"name": "asked", "when": parse("customer.consents.marketing.sms")},
    ],
    "lists": ["beta"],
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """ada looked twice, bob once and said yes to SMS; cy has signed in from a device."""
    with Stage(TUESDAY, {"profile": PROFILE}) as stage:
        stage.identify("ada", email="ada@shop.example", plan="pro")
        stage.track("Pricing Viewed")
        stage.track("Pricing Viewed")
        stage.track("Pricing Viewed", "bob")
        stage.grant("sms", user="bob")
        stage.call("track", {"event": "Pricing Viewed", "anonymousId": "d", "messageId": "1"})
        both = {"event": "Pricing Viewed", "anonymousId": "d", "userId": "cy", "messageId": "2"}
        stage.call("track", both)
        stage.deliver()
        yield stage


@pytest.fixture(params=["--url", "--stage"])
def place(stage: Stage, request: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    by_url(stage, monkeypatch)
    by_stage(stage, monkeypatch)
    return ["--stage", "local"] if request.param == "--stage" else ["--url", "http://127.0.0.1:1"]


def answered(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main([*words, "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_an_audience_is_counted_by_its_url_and_by_its_stage(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "segment", "count", "curious", *place)
    assert (found["count"], found["looked_at"], found["rules"]) == (2, 3, "of-the-test")
    assert answered(capsys, "segment", "count", "asked", *place)["count"] == 1
    assert answered(capsys, "list", "count", "beta", *place, "--parallel", "1")["count"] == 0
    assert main(["segment", "count", "vip", *place]) == 2
    said = capsys.readouterr().err
    assert "answered 404: there is no segment 'vip'; there are: asked, curious" in said


def test_why_and_who_is_told_by_any_identity(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = answered(capsys, "segment", "explain", "curious", "ada@shop.example", *place)
    assert (found["inside"], found["changes_at"]) == (True, "2026-11-25T21:14:00.000Z")
    assert len(found["computed"]["seen"]["events"]) == 2
    shown = answered(capsys, "customer", "ada", *place)
    assert shown["traits"]["plan"]["source"] == "local"
    assert list(shown["segments"]) == ["curious"]


def test_pages_of_a_scan_have_everybody_once(stage: Stage) -> None:
    """moto and AWS give a megabyte a page: here an item a page, in three parts."""
    client = stage.engine.client("dynamodb")
    table = f"{PREFIX}customers"
    seen: list[str] = []
    profiles = ScannedProfiles(_Small(client), table)  # type: ignore[arg-type]
    for part in range(3):
        after, pages = "", 0
        while pages == 0 or after:
            items, after = profiles.page(part, 3, after)
            seen += [str(each["pk"]) for each in items]
            pages += 1
    whole, mark = ScannedProfiles(client, table).page(0, 1, "")
    assert mark == ""
    assert sorted(seen) == sorted(str(each["pk"]) for each in whole)
    assert len(seen) == len(set(seen)) >= 3


class _Small:
    """A client whose pages are small."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def scan(self, **request: Any) -> Any:
        return self._client.scan(**request, Limit=2)


@pytest.mark.parametrize(
    ("query", "body", "resource", "said"),
    [
        ({"part": "x"}, None, "/admin/audiences/{name}", "part must be a whole number"),
        ({"part": "4", "parts": "4"}, None, "/admin/audiences/{name}", "part must be below parts"),
        ({"parts": "999"}, None, "/admin/audiences/{name}", "parts at most 64"),
        ({"after": "{"}, None, "/admin/audiences/{name}", "after is no mark"),
        ({"after": '["a"]'}, None, "/admin/audiences/{name}", "after is no mark"),
        (None, None, "/admin/customers", 'a body {"names"'),
        (None, '{"names": "ada"}', "/admin/customers", 'a body {"names"'),
        (None, '{"names": [{"token": "x"}]}', "/admin/customers", 'a body {"names"'),
        (None, '{"names": [{"email": ""}]}', "/admin/customers", 'a body {"names"'),
        (None, '{"names": [{}]}', "/admin/customers", 'a body {"names"'),
        (None, "[" * 5000, "/admin/customers", 'a body {"names"'),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused(
    stage: Stage, query: Any, body: Any, resource: str, said: str
) -> None:
    event = {
        "resource": resource,
        "pathParameters": {"name": "segments.curious"},
        "queryStringParameters": query,
        "body": body,
    }
    answer = stage.engine.invoke(PREFIX + "admin", event)
    assert answer["statusCode"] == 400
    assert said in json.loads(answer["body"])["message"]


def test_a_list_is_brought_in_and_taken_back(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """As the last test of this stage: it moves its clock on."""
    by_url(stage, monkeypatch)
    by_stage(stage, monkeypatch)
    path = tmp_path / "beta.csv"
    path.write_text("user_id,email,traits.seats:number\n,ada@shop.example,3\nzoe,,\nbob,,\n")
    words = ["list", "import", "beta", str(path)]
    report = answered(capsys, *words, code=1)
    assert (report["joined"], report["rejected"][0]["line"]) == (2, 3)
    assert stage.snapshot("ada").traits["seats"] == 3
    sequences = [stage.snapshot(user).seq for user in ("ada", "bob")]
    again = answered(capsys, *words, "--create", "--stage", "local", "--send-to", "http://local")
    assert (again["joined"], again["already"], again["created"]) == (1, 2, 1)
    assert [stage.snapshot(user).seq for user in ("ada", "bob")] == sequences
    stage.engine.run_until(stage.engine.clock.now() + timedelta(minutes=5))
    path.write_text("user_id\nzoe\n")
    report = answered(capsys, *words, "--replace")
    assert (report["already"], report["left"]) == (1, 2)
    out = tmp_path / "out.jsonl"
    found = answered(capsys, "list", "export", "beta", "--out", str(out))
    assert (found["count"], json.loads(out.read_text())["user_id"]) == (1, "zoe")


def test_a_function_that_fails_is_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    by_stage(stage, monkeypatch)
    handler = stage.engine.functions.handler(PREFIX + "admin")

    def fails(event: Any, context: Any) -> Any:
        raise RuntimeError("a secret of a customer")

    stage.engine.functions.replace(PREFIX + "admin", fails)
    try:
        assert main(["segment", "count", "curious", "--stage", "local"]) == 2
    finally:
        stage.engine.functions.replace(PREFIX + "admin", handler)
    said = capsys.readouterr().err
    assert said == (
        "stepwell: stage local: function stepwell-local-admin failed; its log says why\n"
    )
