"""`stepwell segment` and `stepwell customer` against what is asked of in memory."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from stepwell.cli import http
from stepwell.cli.main import main
from stepwell.journeys.compiler.cel.parser import parse
from stepwell.profile.rules import ProfileRules
from tests.support.memory_api import MemoryApi
from tests.support.world import event, identify

RULES = ProfileRules(
    {
        "computed": [
            {"name": "orders_30d", "kind": "count", "event": "Order", "within": 30 * 86_400},
        ],
        "segments": [
            {"name": "active", "when": parse("customer.computed.orders_30d >= 1.0")},
            {"name": "pros", "when": parse('customer.traits.plan == "pro"')},
            {
                "name": "best",
                "when": parse("customer.segments.active && customer.segments.pros"),
            },
        ],
        "lists": ["beta"],
    }
)
USERS = [f"u{number}" for number in range(7)]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> MemoryApi:
    """Seven customers: all are pros, and those with an even number ordered."""
    api = MemoryApi(RULES)
    monkeypatch.setattr(http, "_once", api.answer)
    for number, user in enumerate(USERS):
        api.send([identify(user, at=api.now, plan="pro", first_name="=1+1")])
        if number % 2 == 0:
            api.send([event("Order", user_id=user, at=api.now)])
    return api


@pytest.fixture
def run(api: MemoryApi, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str, code: int = 0) -> str:
        assert main(list(words)) == code, capsys.readouterr().err
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


def test_segments_are_listed_as_they_are_deployed(run: Any) -> None:
    found = json.loads(run("segment", "list", "--json"))
    assert found["rules"] == "the-rules-of-a-test"
    assert [each["name"] for each in found["segments"]] == ["active", "pros", "best"]
    assert found["segments"][0]["changes_by_time"] is True
    assert found["segments"][2]["names"] == ["active", "pros"]
    shown = run("segment", "list")
    assert 'customer.traits.plan == "pro"' in shown
    assert "by the rules the-rules-of that are in force at http://localhost:8080" in shown


@pytest.mark.parametrize("parallel", ["1", "3", "64"])
def test_everybody_is_counted_once_in_however_many_parts(run: Any, parallel: str) -> None:
    found = json.loads(run("segment", "count", "active", "--parallel", parallel, "--json"))
    assert (found["count"], found["looked_at"]) == (4, 7)
    assert "4 of 7 customers are in best" in run("segment", "count", "best")


def test_a_count_is_of_now(run: Any, api: MemoryApi) -> None:
    api.now += timedelta(days=31)
    found = json.loads(run("segment", "count", "best", "--json"))
    assert found["count"] == 0
    assert found["from"] == found["to"] == "2026-12-25T12:00:00.000Z"


def test_a_sample_is_of_members_and_the_same_for_the_same_seed(run: Any) -> None:
    def sample(*words: str) -> list[str]:
        found = json.loads(run("segment", "sample", "pros", "--json", *words))
        return [each["user_id"] for each in found["customers"]]

    first = sample("--size", "3", "--seed", "a", "--parallel", "1")
    assert first == sample("--size", "3", "--seed", "a", "--parallel", "5")
    assert len(set(first)) == 3
    assert sorted(sample("--size", "99")) == USERS
    drawn = {user for seed in range(12) for user in sample("--size", "2", "--seed", str(seed))}
    assert len(drawn) > 4
    assert "u0" in run("segment", "sample", "active", "--size", "9")


def test_an_export_has_ids_and_the_traits_asked_for(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    said = run("segment", "export", "active", "--out", str(out), "--traits", "plan,first_name,x")
    assert f"4 of 7 customers written to {out}" in said
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert sorted(each["user_id"] for each in rows) == ["u0", "u2", "u4", "u6"]
    assert {(e["traits.plan"], e["traits.first_name"], e["traits.x"]) for e in rows} == {
        ("pro", "'=1+1", "")
    }
    plain = tmp_path / "a.jsonl"
    run("segment", "export", "active", "--out", str(plain))
    assert all("traits" not in json.loads(line) for line in plain.read_text().splitlines())


def test_why_somebody_is_in_a_segment(run: Any, api: MemoryApi) -> None:
    api.now += timedelta(days=1)
    said = run("segment", "explain", "active", "u0")
    assert "is in active since 2026-11-24 12:00 UTC" in said
    assert "true   customer.computed.orders_30d >= 1.0  (computed.orders_30d = 1)" in said
    assert "orders_30d (count): 2026-11-24 12:00 (" in said
    assert "Time alone may change it at 2026-12-24 12:00 UTC." in said
    said = run("segment", "explain", "best", "u1")
    assert "is not in best\n" in said
    assert "false  customer.segments.active  (segments.active = false)" in said
    found = json.loads(run("segment", "explain", "active", "u1", "--json"))
    assert (found["inside"], found["rules"]) == (False, "the-rules-of-a-test")


def test_what_time_changed_and_no_sweep_found_is_said(run: Any, api: MemoryApi) -> None:
    api.now += timedelta(days=31)
    said = run("segment", "explain", "active", "u0")
    assert "is not in active any more; was, since 2026-11-24 12:00 UTC" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["count", "vip"], "there is no segment 'vip'; there are: active, best, pros"),
        (["explain", "vip", "u0"], "there is no segment 'vip'"),
        (["explain", "pros", "nobody"], "no customer has this id"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    api: MemoryApi, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["segment", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


_NO_NAME = "is no name: small letters, digits and _, beginning with a letter. "


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["customer", ""], "say which customer: any id, email, phone or device token of theirs;"),
        (["customer", " "], "what was given is empty"),
        (["segment", "explain", "active", ""], "say which customer: any id, email, phone"),
        (["segment", "explain", "", "u0"], f"'' {_NO_NAME}`stepwell segment list` shows which"),
        (["segment", "count", "../customers/u0"], f"'../customers/u0' {_NO_NAME}"),
        (["segment", "sample", "a/../b"], f"'a/../b' {_NO_NAME}"),
        (["list", "count", ""], f"'' {_NO_NAME}`stepwell list names` shows which there are"),
        (["list", "import", "..", "a.csv"], f"'..' {_NO_NAME}`stepwell list names` shows which"),
    ],
)
def test_what_can_be_no_name_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    def asked(_: Request) -> http.Answer:
        raise AssertionError("it was asked all the same")

    monkeypatch.setattr(http, "_once", asked)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--parallel", "0"], ["--parallel", "65"], ["--parallel", "x"]])
def test_numbers_are_checked(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["segment", "count", "active", *words])


def test_a_customer_is_shown_with_sources_evidence_and_reasons(run: Any, api: MemoryApi) -> None:
    api.send([event("List Joined", user_id="u0", at=api.now, properties={"list": "beta"})])
    found = json.loads(run("customer", "u0", "--json"))
    at = "2026-11-24T12:00:00.000Z"
    assert found["traits"]["plan"] == {"value": "pro", "at": at, "source": "shop"}
    assert found["computed"]["orders_30d"]["events"][0]["at"] == at
    assert found["lists"] == {"beta": at}
    assert set(found["segments"]) == {"active", "pros", "best"}
    assert not {"computed", "segments", "segments_by", "due", "lists"} & set(found["profile"])
    shown = run("customer", "u0")
    flat = " ".join(shown.split())
    assert "plan pro 2026-11-24 12:00 shop" in flat
    assert "active 2026-11-24 12:00 customer.computed.orders_30d >= 1.0" in flat
    assert "beta 2026-11-24 12:00" in flat
    assert max(map(len, shown.splitlines())) <= 80
