"""`stepwell send` against ingest in memory: each call of a file is taken, or told with its line."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request

import pytest

from stepwell.cli import http, send
from stepwell.cli.calls import PATIENCE, Sender
from stepwell.cli.main import main
from stepwell.events.model import EventType
from stepwell.events.registry import Registry
from stepwell.events.sources import Source
from tests.support.memory_api import MemoryApi

NUMBER = {"type": "number"}
REGISTRY = Registry(
    {
        "Product Added": {1: {"type": "object", "properties": {"price": NUMBER}}},
        "Sized": {1: {"type": "object", "properties": {f"p{n}": NUMBER for n in range(9)}}},
    }
)


def added(user: str, price: Any = 5, **more: Any) -> str:
    call = {"type": "track", "userId": user, "event": "Product Added", **more}
    return json.dumps({**call, "properties": {"price": price}})


class Desk:
    """The command line beside an API in memory, a file, and what was printed of it."""

    def __init__(self, api: MemoryApi, capsys: pytest.CaptureFixture[str]) -> None:
        self.api, self._capsys = api, capsys
        self.asked, self.answers = 0, dict[int, http.Answer | BaseException]()
        """Answers in place of the API's own, by the number of the request."""

    def answer(self, request: Request) -> http.Answer:
        self.asked += 1
        given = self.answers.get(self.asked)
        if isinstance(given, BaseException):
            raise given
        return given or self.api.answer(request)

    def send(self, content: str | bytes, *words: str, code: int = 0) -> tuple[str, str]:
        Path("many.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
        assert main(["send", "many.jsonl", *words]) == code
        return self._capsys.readouterr()

    def document(self, content: str, *words: str, code: int = 0) -> Any:
        out, _ = self.send(content, "--json", *words, code=code)
        return json.loads(out)

    def users(self) -> list[str | None]:
        return [each.user_id for each in self.api.events]


@pytest.fixture
def desk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Desk:
    desk = Desk(MemoryApi(registry=REGISTRY), capsys)
    monkeypatch.setattr(http, "_once", desk.answer)
    monkeypatch.setattr(http, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(send, "Sender", partial(Sender, sleep=lambda _: None))
    monkeypatch.chdir(tmp_path)
    return desk


# ---------------------------------------------------------------- what is refused


def test_a_refused_call_is_told_with_its_line_and_holds_up_no_other(desk: Desk) -> None:
    lines = [added(f"u{number}") for number in range(1, 131)]
    lines[7] = added("u8", "cheap")
    lines[119] = json.dumps({"type": "track", "event": "Product Added"})
    out, err = desk.send("\n".join(lines), code=1)
    assert out == "128 calls sent, 2 refused\n"
    assert err.splitlines() == [
        "many.jsonl:8: properties.price: must be a number",
        "many.jsonl:120: userId: userId or anonymousId is required",
    ]
    assert desk.users() == [f"u{number}" for number in range(1, 131) if number not in (8, 120)]


def test_lines_are_those_of_the_file_where_some_are_empty(desk: Desk) -> None:
    out, err = desk.send(f"\n\n{added('ada')}\n \n{added('bob', 'x')}\n", code=1)
    assert out == "1 call sent, 1 refused\n"
    assert err == "many.jsonl:5: properties.price: must be a number\n"


def test_json_has_every_refused_call_and_the_terminal_some(desk: Desk) -> None:
    lines = "\n".join([added("ada"), *[added("ada", "x")] * 120])
    out, err = desk.send(lines, code=1)
    assert out == "1 call sent, 120 refused\n"
    assert err.splitlines()[-2:] == [
        "many.jsonl:21: properties.price: must be a number",
        "… and 100 more",
    ]
    found = desk.document(lines, code=1)
    assert found["sent"] == 1
    errors = [{"field": "properties.price", "message": "must be a number"}]
    assert found["refused"] == [{"line": line, "errors": errors} for line in range(2, 122)]
    assert desk.document(added("ada")) == {"sent": 1, "refused": []}


def test_of_more_errors_than_an_answer_lists_none_is_lost(desk: Desk) -> None:
    """An answer lists 100: with nine a call, 39 of 50 are not named."""
    wrong = {"properties": {f"p{number}": "x" for number in range(9)}}
    bad = json.dumps({"type": "track", "userId": "ada", "event": "Sized", **wrong})
    found = desk.document("\n".join([*[bad] * 45, added("bob"), bad, added("cy")]), code=1)
    assert [each["line"] for each in found["refused"]] == [*range(1, 46), 47]
    assert found["sent"] == 2
    assert len({each.fingerprint for each in desk.api.events}) == 2


def test_a_key_that_may_not_send_some_calls_sends_the_others(desk: Desk) -> None:
    desk.api.sources["page"] = Source("page", frozenset({EventType.TRACK}))
    identify = '{"type": "identify", "userId": "ada"}'
    lines = "\n".join([*[identify] * 50, added("ada")])
    found = desk.document(lines, "--write-key", "page", code=1)
    assert (found["sent"], len(found["refused"])) == (1, 50)
    assert found["refused"][0]["errors"][0]["field"] == "type"


def test_a_call_for_which_the_api_refuses_the_body_holds_up_no_other(desk: Desk) -> None:
    """Nested so deep that it is a call to the file, and in a batch too deep."""
    deep: Any = "x"
    for _ in range(98):
        deep = [deep]
    out, err = desk.send("\n".join([added("ada"), added("bob", deep), added("cy")]), code=1)
    assert out == "2 calls sent, 1 refused\n"
    assert err == "many.jsonl:2: the body is nested deeper than 100 levels\n"
    assert desk.users() == ["ada", "cy"]


# ---------------------------------------------------------------- an API that is gone


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            URLError(ConnectionRefusedError(111, "Connection refused")),
            "reached: Connection refused",
        ),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "reached: Connection reset by peer",
        ),
        (http.Answer(503, {"message": "busy"}), "answered 503: busy"),
        (http.Answer(500, {"message": "Internal"}), "answered 500: Internal"),
        (http.Answer(401, {"message": "no such key"}), "answered 401: no such key"),
        (http.Answer(403, {"message": "Forbidden"}), "answered 403: Forbidden"),
        (http.Answer(200, {"message": "<html>"}), "answered 200: <html>"),
    ],
)
def test_where_the_api_is_gone_the_report_says_from_where_to_go_on(
    desk: Desk, answer: http.Answer | Exception, why: str
) -> None:
    lines = "\n\n".join(added(f"u{n}", "x" if n == 3 else 5) for n in range(120))
    desk.answers = dict.fromkeys(range(2, 9 + PATIENCE * http.TRIES), answer)
    out, err = desk.send(lines, code=2)
    assert out == "49 calls sent, 1 refused, the rest not sent\n"
    assert err.startswith("many.jsonl:7: properties.price: must be a number\nstepwell: http")
    assert why in err
    assert err.endswith("The calls from line 101 on were not sent: go on with --from-line 101\n")
    desk.answers = {}
    out, _ = desk.send(lines, "--from-line", "101")
    assert out == "70 calls sent\n"
    assert desk.users() == [f"u{number}" for number in range(120) if number != 3]


def test_json_says_what_was_sent_before_the_api_was_gone(desk: Desk) -> None:
    desk.answers = dict.fromkeys(range(2, 6), URLError("gone"))
    found = desk.document("\n".join(added(f"u{n}") for n in range(60)), code=2)
    assert (found["sent"], found["refused"]) == (50, [])
    assert found["stopped"]["line"] == 51
    assert "cannot be reached: gone" in found["stopped"]["why"]


def test_who_stops_it_is_told_from_where_to_go_on(desk: Desk) -> None:
    lines = "\n\n".join(added(f"u{n}", "x" if n == 3 else 5) for n in range(120))
    desk.answers = {2: KeyboardInterrupt()}
    out, err = desk.send(lines, code=130)
    assert out == "49 calls sent, 1 refused, the rest not sent\n"
    said = "stepwell: stopped by Ctrl-C. The calls from line 101 on were not sent: go on with "
    assert err == f"many.jsonl:7: properties.price: must be a number\n{said}--from-line 101\n"
    out, _ = desk.send(lines, "--from-line", "101")
    assert out == "70 calls sent\n"
    assert desk.users() == [f"u{number}" for number in range(120) if number != 3]


def test_who_stops_it_finds_in_json_what_was_sent(desk: Desk) -> None:
    lines = "\n".join(added(f"u{n}") for n in range(60))
    desk.answers = {1: KeyboardInterrupt(), 3: KeyboardInterrupt()}
    for sent, line in ((0, 1), (50, 51)):
        found = desk.document(lines, code=130)
        stopped = {"line": line, "why": "stopped by Ctrl-C"}
        assert found == {"sent": sent, "refused": [], "stopped": stopped}


def test_who_stops_it_when_all_is_sent_stops_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stepwell.cli.send.Progress.tell", tell)
    assert desk.send(added("ada")) == ("1 call sent\n", "")


def test_a_batch_whose_answer_was_lost_counts_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = iter([ConnectionResetError("reset")])

    def answer(request: Request) -> http.Answer:
        answer = desk.answer(request)
        for error in lost:
            raise error
        return answer

    monkeypatch.setattr(http, "_once", answer)
    out, _ = desk.send("\n".join([added("ada"), added("bob", messageId="mine")]))
    assert out == "2 calls sent\n"
    assert desk.users() == ["ada", "bob", "ada", "bob"]
    assert len({each.fingerprint for each in desk.api.events}) == 2
    assert [each.id for each in desk.api.events][1::2] == ["mine", "mine"]


def test_the_same_file_again_sends_new_events(desk: Desk) -> None:
    desk.send(added("ada"))
    desk.send(added("ada"))
    assert len({each.fingerprint for each in desk.api.events}) == 2


# ---------------------------------------------------------------- the file


def test_a_byte_order_mark_and_separators_within_texts_are_no_matter(desk: Desk) -> None:
    text = json.dumps({"type": "identify", "userId": "a\u2028b"}, ensure_ascii=False)
    out, _ = desk.send(f"\ufeff{text}\r\n{added('bob')}\r\n")
    assert out == "2 calls sent\n"
    assert desk.users() == ["a\u2028b", "bob"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
        ("[]", 'is not a JSON object; write {"type": "track", …}'),
        ('{"type": "order"}', "type 'order' is not taken; write one of track, identify, alias, "),
        ('{"userId": "ada"}', "type is missing; write one of track"),
        (added("ada", float("nan")), "has NaN, infinity or too long a number"),
        (added("ada", 1).replace("1}", "1e999}"), "has NaN, infinity or too long a number"),
        ("[" * 100_000, "is nested too deep"),
        ('{"type": "track", "d": ' + "[" * 400 + "]" * 400 + "}", "is nested too deep; correct it"),
    ],
)
def test_nothing_is_sent_of_a_file_with_a_broken_line(desk: Desk, line: str, said: str) -> None:
    out, err = desk.send(f"{added('ada')}\n{line}\n", code=2)
    assert out == ""
    assert err.startswith("stepwell: nothing was sent:\n  many.jsonl:2: ")
    assert said in err
    assert desk.asked == 0


def test_all_broken_lines_are_told_up_to_twenty(desk: Desk) -> None:
    _, err = desk.send("\n".join(["{", added("ada"), "[]", *["{"] * 30]), code=2)
    first, second, third, *_, last = err.splitlines()
    assert first == "stepwell: nothing was sent:"
    assert second.startswith("  many.jsonl:1: is not JSON")
    assert third.startswith("  many.jsonl:3: is not a JSON object")
    assert last == "  … and 12 more"
    _, err = desk.send(f"{{\n{added('ada')}\n", "--from-line", "2")
    assert err == ""


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"\x89PNG\r\n\x1a\n\x00", 1), (added("ada").encode() + b'\n{"type": "caf\xe9"}\n', 2)],
)
def test_what_is_no_text_is_told_with_its_line(desk: Desk, content: bytes, line: int) -> None:
    _, err = desk.send(content, code=2)
    assert err == f"stepwell: many.jsonl:{line}: is no UTF-8 text; save the file as UTF-8\n"
    assert desk.asked == 0


@pytest.mark.parametrize("line", ["-1", "0", "5", "99"])
def test_what_is_no_line_of_the_file_is_refused(desk: Desk, line: str) -> None:
    lines = "".join(f"{added('ada')}\n" for _ in range(4))
    out, err = desk.send(lines, "--from-line", line, code=2)
    assert out == ""
    assert err == f"stepwell: --from-line {line}: the lines of many.jsonl are 1 to 4\n"
    assert desk.asked == 0


def test_the_last_line_alone_is_sent_and_of_an_empty_file_none(desk: Desk) -> None:
    assert desk.send(f"{added('ada')}\n{added('bob')}\n", "--from-line", "2")[0] == "1 call sent\n"
    assert desk.users() == ["bob"]
    assert desk.send("")[0] == "0 calls sent\n"


@pytest.mark.parametrize(
    ("name", "why"), [("no.jsonl", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    desk: Desk, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    assert main(["send", name]) == 2
    assert capsys.readouterr().err == f"stepwell: {name} cannot be read: {why}\n"


def test_lines_of_standard_input_are_told_as_such(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = io.TextIOWrapper(io.BytesIO(f"{added('ada')}\n{added('bob', 'x')}".encode()))
    monkeypatch.setattr("sys.stdin", given)
    assert main(["send", "-"]) == 1
    assert capsys.readouterr().err == "standard input:2: properties.price: must be a number\n"
    assert desk.users() == ["ada"]
