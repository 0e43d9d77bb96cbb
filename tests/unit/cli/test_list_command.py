"""`stepwell list` against ingest, router and admin in memory: lists as customers end up on them."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request

import pytest

from stepwell.cli import http, list_import, lists
from stepwell.cli.calls import Sender
from stepwell.cli.main import main
from stepwell.profile.rules import ProfileRules
from stepwell.storage.operations import TableName
from tests.support.memory_api import MemoryApi
from tests.support.world import event, identify

RULES = ProfileRules({"lists": ["beta", "press"]})


class Office:
    """The command line beside an API in memory, and what it printed."""

    def __init__(self, api: MemoryApi, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.api, self._capsys, self.folder = api, capsys, folder

    def run(self, *words: str, code: int = 0) -> str:
        assert main(["list", *words]) == code, self._capsys.readouterr().err
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def bring(self, content: str, *words: str, code: int = 0, name: str = "a.csv") -> Any:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return json.loads(self.run("import", "beta", str(path), "--json", *words, code=code))

    def members(self, name: str = "beta") -> list[str]:
        out = self.folder / "out.jsonl"
        self.run("export", name, "--out", str(out))
        rows = map(json.loads, out.read_text(encoding="utf-8").splitlines())
        return sorted(each["user_id"] or each["anonymous_id"] for each in rows)


@pytest.fixture
def office(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Office:
    api = MemoryApi(RULES)
    monkeypatch.setattr(http, "_once", api.answer)
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0)
    for number, user in enumerate(("ada", "bob", "cy", "di"), start=1):
        traits = {"email": f"{user}@shop.example", "phone": f"+44770090012{number}"}
        api.send([identify(user, at=api.now, **traits)])
    api.send([identify(None, "visitor", at=api.now, email="vi@shop.example")])
    api.events.clear()
    return Office(api, capsys, tmp_path)


def test_each_line_is_found_by_any_identity(office: Office) -> None:
    customer = json.loads(office.run("sample", "beta", "--json"))
    assert customer["count"] == 0
    report = office.bring(
        "user_id,email,phone\nada,,\n,BOB@shop.example,\n,,+447700900123\n,vi@shop.example,\n"
    )
    assert (report["joined"], report["created"], report["rejected"]) == (4, 0, [])
    assert office.members() == ["ada", "bob", "cy", "visitor"]
    assert office.members("press") == []


def test_who_became_part_of_another_is_found_as_who_they_are_now(office: Office) -> None:
    office.api.send([event("Signed In", anonymous_id="visitor", at=office.api.now)])
    report = office.bring("email\nvi@shop.example\nada@shop.example\n", code=1)
    assert report["duplicates"] == [{"line": 3, "why": "it names the same customer as line 2"}]
    assert office.members() == ["ada"]


def test_the_same_file_again_sends_nothing(office: Office) -> None:
    lines = "user_id,traits.plan\nada,pro\nbob,\n"
    office.bring(lines)
    assert [each.name for each in office.api.events] == ["", "List Joined", "List Joined"]
    before = office.api.store.named(TableName.CUSTOMERS, "PROFILE")
    office.api.now += timedelta(hours=1)
    report = office.bring(lines)
    assert (report["joined"], report["already"]) == (0, 2)
    assert office.api.store.named(TableName.CUSTOMERS, "PROFILE") == before


def test_a_file_that_broke_off_goes_on_and_nothing_counts_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaks_at(office, monkeypatch, 3, URLError("gone"))
    path = office.folder / "a.csv"
    path.write_text("user_id\nada\nbob\ncy\ndi\n")
    assert main(["list", "import", "beta", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.endswith(
        "cannot be reached: gone. The API had confirmed 2 customers who join the list by then, "
        "which shows within moments; 0 were on it already. Import the file again: what was taken "
        "is not taken twice\n"
    )
    monkeypatch.setattr(http, "_once", office.api.answer)
    report = office.bring(path.read_text())
    assert (report["already"], report["joined"]) == (2, 2)
    fingerprints = [each.fingerprint for each in office.api.events]
    assert len(fingerprints) == len(set(fingerprints)) == 4


def breaks_at(
    office: Office, monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException
) -> None:
    """The call to /v1/batch with this number, counted from 1, and all after it raise `error`."""
    monkeypatch.setattr(list_import, "BATCH_LINES", 1)
    posts = count(1)

    def once(request: Request) -> http.Answer:
        if "/v1/batch" in request.full_url and next(posts) >= number:
            raise error
        return office.api.answer(request)

    monkeypatch.setattr(http, "_once", once)


def test_who_stops_an_import_is_told_what_was_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.bring("user_id\nada\nbob\n")
    path = office.folder / "b.csv"
    path.write_text("user_id\nada\ncy\ndi\n")
    breaks_at(office, monkeypatch, 2, KeyboardInterrupt())
    assert main(["list", "import", "beta", str(path), "--replace"]) == 130
    assert capsys.readouterr().err.startswith(
        "stepwell: stopped. The API had confirmed 1 customers who join the list and 0 who leave it "
        "by then, which shows within moments; 1 were on it already. Import the file again"
    )


def test_a_break_after_somebody_was_taken_off_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    office.bring("user_id\nada\nbob\n")
    path = office.folder / "b.csv"
    path.write_text("user_id\ncy\n")
    breaks_at(office, monkeypatch, 3, ConnectionResetError("reset by peer"))
    assert main(["list", "import", "beta", str(path), "--replace"]) == 2
    said = capsys.readouterr().err
    assert "cannot be reached: reset by peer. " in said
    assert "1 customers who join the list and 1 who leave it by then" in said


@pytest.mark.parametrize("words", [["--dry-run"], []])
def test_a_break_before_anything_was_sent_says_so(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    def once(request: Request) -> http.Answer:
        if request.full_url.endswith("/admin/customers"):
            raise URLError("gone")
        return office.api.answer(request)

    monkeypatch.setattr(http, "_once", once)
    path = office.folder / "a.csv"
    path.write_text("user_id\nada\n")
    assert main(["list", "import", "beta", str(path), *words]) == 2
    assert capsys.readouterr().err.endswith("cannot be reached: gone. Nothing was sent\n")


@pytest.mark.parametrize("status", [502, 504])
def test_a_batch_whose_answer_was_lost_is_sent_again_and_counts_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Looking customers up is tried again likewise."""
    lost = {"/v1/batch", "/admin/customers"}

    def once(request: Request) -> http.Answer:
        answer = office.api.answer(request)
        path = urlsplit(request.full_url).path
        if path in lost:
            lost.remove(path)
            return http.Answer(status, {"message": "Internal server error"})
        return answer

    monkeypatch.setattr(http, "_once", once)
    assert office.bring("user_id\nada\nbob\n")["joined"] == 2
    assert lost == set()
    fingerprints = [each.fingerprint for each in office.api.events]
    assert (len(fingerprints), len(set(fingerprints))) == (4, 2)
    assert office.members() == ["ada", "bob"]


def test_what_was_sent_and_not_applied_yet_is_sent_under_the_same_id(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[Any] = []
    monkeypatch.setattr(office.api, "send", queued.extend)
    office.bring("user_id\nada\n")
    office.bring("user_id\nada\n")
    first, second = queued
    assert first.fingerprint == second.fingerprint


def test_replacing_takes_off_who_is_not_in_the_file(office: Office) -> None:
    office.bring("user_id\nada\nbob\ncy\n")
    office.api.now += timedelta(hours=1)
    report = office.bring("email\nbob@shop.example\ndi@shop.example\n", "--replace", name="b.csv")
    assert (report["joined"], report["already"], report["left"]) == (1, 1, 2)
    assert office.members() == ["bob", "di"]
    office.api.now += timedelta(hours=1)
    report = office.bring("user_id\nada\nbob\ncy\n", "--replace")
    assert (report["joined"], report["left"]) == (2, 1)
    assert office.members() == ["ada", "bob", "cy"]


def test_nobody_is_taken_off_by_a_line_that_could_not_be_read(office: Office) -> None:
    office.bring("user_id\nada\nbob\n")
    report = office.bring("user_id\nada\nbob,1\n", "--replace", code=1, name="b.csv")
    assert report["left"] == 0
    assert report["not_left"].startswith("1 customers who are on the list and not in the file stay")
    assert office.members() == ["ada", "bob"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("b.csv", "user_id,email\n"), ("b.csv", "user_id,email\n\n,\n"), ("b.jsonl", "")],
)
def test_a_file_that_names_nobody_empties_no_list_unless_that_is_meant(
    office: Office, capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    office.bring("user_id\nada\nbob\n")
    path = office.folder / name
    path.write_text(content)
    for words in ([], ["--dry-run"], ["--json"]):
        assert main(["list", "import", "beta", str(path), "--replace", *words]) == 2
        assert capsys.readouterr().err == (
            f"stepwell: {path} names nobody, and --replace would take everybody off beta; nothing "
            "was changed. To empty the list, say --allow-empty as well\n"
        )
        assert office.members() == ["ada", "bob"]
    assert office.bring(content, name=name)["lines"] == 0
    report = office.bring(content, "--replace", "--allow-empty", name=name)
    assert report["left"] == 2
    assert office.members() == []


def test_new_customers_are_made_only_when_asked_for(office: Office) -> None:
    lines = "user_id,email,traits.plan\neve,,pro\n,fay@shop.example,free\n"
    report = office.bring(lines, code=1)
    assert report["joined"] == 0
    assert report["rejected"] == [
        {"line": 2, "why": "it names no customer; with --create they become one"},
        {"line": 3, "why": "it names no customer; with --create they become one"},
    ]
    report = office.bring(lines, "--create")
    assert (report["joined"], report["created"]) == (2, 2)
    assert "eve" in office.members()
    again = office.bring(lines, "--create")
    assert (again["already"], again["created"]) == (2, 0)
    assert main(["customer", "fay@shop.example"]) == 0


def test_twice_the_same_customer_is_told_and_counts_once(office: Office) -> None:
    lines = "user_id,email,traits.plan\nada,,pro\n,ada@shop.example,free\neve,,\neve,,\n"
    report = office.bring(lines, "--create", code=1)
    assert report["duplicates"] == [
        {"line": 3, "why": "it names the same customer as line 2"},
        {"line": 5, "why": "it names the same customer as line 4"},
    ]
    assert [each.traits for each in office.api.events if each.traits] == [{"plan": "pro"}]


def test_a_line_that_the_api_refuses_does_not_hold_up_the_others(office: Office) -> None:
    """Too deep for the API: of a batch it refuses that call alone, or the body as a whole."""
    for depth, first, last in ((70, "ada", "cy"), (150, "di", "eve")):
        deep: Any = "x"
        for _ in range(depth):
            deep = [deep]
        lines = [{"user_id": first}, {"user_id": "bob", "traits": {"d": deep}}, {"user_id": last}]
        report = office.bring(
            "\n".join(map(json.dumps, lines)), "--create", code=1, name=f"{depth}.jsonl"
        )
        (rejected,) = report["rejected"]
        assert rejected["line"] == 2
        assert "nested deeper" in rejected["why"]
    assert {"ada", "cy", "di", "eve"} <= set(office.members())


def test_a_busy_api_is_asked_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    office.api.busy = 9
    monkeypatch.setattr(lists, "Sender", partial(Sender, sleep=waits.append))
    assert office.bring("user_id\nada\n")["joined"] == 1
    assert waits == [1, 1]


def test_a_dry_run_reports_and_sends_nothing(office: Office) -> None:
    office.bring("user_id\ndi\n")
    office.api.events.clear()
    report = office.bring("user_id\nada\neve\n", "--dry-run", "--create", "--replace", name="b.csv")
    assert (report["sent"], report["joined"], report["created"], report["left"]) == (False, 2, 1, 1)
    assert office.api.events == []


def test_the_report_names_lines_and_no_values(office: Office) -> None:
    path = office.folder / "a.csv"
    path.write_text("email,plan\nnobody@private.example,1\nada@shop.example,1\n")
    said = office.run("import", "beta", str(path), code=1)
    assert "2 lines: 1 sent to join the list" in said
    assert "columns that were not used: plan" in said
    assert f"{path}:2: it names no customer" in said
    assert "private.example" not in said
    assert json.loads(office.run("import", "beta", str(path), "--json", code=1))["unused"] == [
        "plan"
    ]


def test_members_that_were_not_used_are_named(office: Office) -> None:
    line = '{"user_id": "ada", "trait": {"plan": "secret"}, "a\\u001b[2J": 1}\n'
    assert office.bring(line, name="a.jsonl")["unused"] == ["trait", "a\x1b[2J"]
    said = office.run("import", "beta", str(office.folder / "a.jsonl"))
    assert "members that were not used: trait, a?[2J\n" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "vip", "a.csv"], "has no list 'vip'; it has: beta, press. Declare it under"),
        (["import", "beta", "a.xlsx"], "ends with .csv or .jsonl"),
        (["import", "beta", "no.csv"], "no.csv cannot be read"),
        (["import", "beta", "a.csv", "--write-key", "x"], "answered 401"),
        (["count", "vip"], "there is no list 'vip'; there are: beta, press"),
        (["export", "beta", "--out", "a.txt"], "ends with .csv or .jsonl"),
        (["export", "beta", "--out", "no/a.csv"], "no/a.csv: No such file"),
        (["import", "beta", "a.csv", "--stage", "dev"], "say with --send-to at which URL"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    office: Office,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(office.folder)
    Path("a.csv").write_text("user_id\nada\n")
    assert main(["list", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert office.members() == []


def test_lists_have_names(office: Office) -> None:
    assert office.run("names") == "beta\npress\n"
    assert json.loads(office.run("names", "--json"))["lists"] == ["beta", "press"]
