"""Replays are read strictly; decisions are shown in the customer's own time."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from infra.local.decisions import DecisionLog, Person, person
from infra.local.replay import ReplayError, read_replay
from infra.local.run import for_shell

FIRST = '{"type": "identify", "timestamp": "2026-11-24T21:14:00.000Z", "userId": "u"}'
LATER = '{"type": "track", "timestamp": "2026-11-24T21:15:00.000Z", "userId": "u", "event": "E"}'


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_calls_come_with_moment_and_route(tmp_path: Path) -> None:
    calls = read_replay(write(tmp_path, FIRST, "", LATER))
    assert [call.route for call in calls] == ["/v1/identify", "/v1/track"]
    assert calls[1].at == datetime(2026, 11, 24, 21, 15, tzinfo=UTC)
    assert calls[1].body == LATER


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((LATER, FIRST), "events.jsonl:2: its timestamp is before"),
        (("{",), "events.jsonl:1: a JSON object"),
        (("[]",), "events.jsonl:1: a JSON object"),
        (('{"type": "track"}',), "events.jsonl:1: a JSON object"),
        (("[" * 100_000,), "events.jsonl:1: a JSON object"),
        ((FIRST.replace("identify", "order"),), "type 'order'"),
        (("",), "there are no calls"),
    ],
)
def test_a_line_that_is_wrong_is_named(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ReplayError, match=message):
        read_replay(write(tmp_path, *lines))


@pytest.mark.parametrize(
    "written",
    ["2026-13-24T15:13:00Z", "2026-11-24T15:13:00", "0001-01-01T00:00:00+14:00", "soon", None],
)
def test_a_timestamp_that_is_no_moment_is_told(tmp_path: Path, written: str | None) -> None:
    wrong = json.dumps({**json.loads(FIRST), "timestamp": written})
    with pytest.raises(ReplayError) as caught:
        read_replay(write(tmp_path, wrong))
    said = str(caught.value)
    assert f"events.jsonl:1: timestamp {written!r} cannot be read; a moment with its zone" in said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"userId": None}, "events.jsonl:2: userId: userId or anonymousId is required"),
        ({"userId": "null"}, "events.jsonl:2: userId: .* names nobody"),
        ({"event": ""}, "events.jsonl:2: event: "),
        ({"properties": {"a": "b" * 40_000}}, "events.jsonl:2: larger than"),
    ],
)
def test_a_call_that_the_api_would_refuse_is_found_beforehand(
    tmp_path: Path, call: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReplayError, match=said):
        read_replay(write(tmp_path, FIRST, json.dumps({**json.loads(LATER), **call})))


def test_a_call_may_have_the_line_breaks_that_json_has_in_texts(tmp_path: Path) -> None:
    odd = LATER.replace('"E"', '"a\u2028b\u0085c"')
    assert [call.body for call in read_replay(write(tmp_path, FIRST, odd))] == [FIRST, odd]


def item(**more: dict[str, Any]) -> dict[str, Any]:
    return {
        "pk": {"S": "CUSTOMER#c1f0aa22bb"},
        "sk": {"S": "DECISION#2026-11-25T02:59:00.000Z-1"},
        "at": {"S": "2026-11-25T02:59:00.000Z"},
        "journey": {"S": "cart_abandonment"},
        "step": {"S": "stylist"},
        "outcome": {"S": "deferred"},
        "reason": {"S": "quiet_hours"},
        "channel": {"S": "sms"},
        "until": {"S": "2026-11-25T13:00:00.000Z"},
        **more,
    }


def shown(profile: dict[str, Any], *puts: tuple[str, dict[str, Any]]) -> tuple[str, DecisionLog]:
    console = Console(record=True, width=80, file=io.StringIO())
    log = DecisionLog(console, "records", lambda customer: person(customer, profile))
    for table, each in puts:
        log.on_put(table, each)
    text = console.export_text()
    return text, log


def test_a_decision_is_one_line_in_local_time() -> None:
    profile = {"zone": "America/New_York", "user_id": "ada"}
    text, _ = shown(profile, ("records", item()))
    assert text.split() == [
        *("Tue", "24", "Nov", "21:59", "EST", "ada", "cart_abandonment/stylist", "sms"),
        *("deferred", "quiet_hours", "until", "Wed", "08:00"),
    ]
    assert text.count("\n") == 1
    accepted = item(outcome={"S": "sent"}, reason={"S": "accepted"}, until={"NULL": True})
    sent, _ = shown(profile, ("records", accepted))
    assert sent.endswith("sms   sent\n")
    assert len(sent) < 100


def test_a_wait_of_a_week_or_more_is_dated() -> None:
    text, _ = shown({}, ("records", item(until={"S": "2026-12-02T13:00:00.000Z"})))
    assert text.endswith("until Wed 02 Dec 13:00\n")


CAPS = {
    "rule": {"S": "caps"},
    "result": {"S": "capped"},
    "refused": {
        "M": {"sms": {"M": {"full": {"M": {"two_a_day": {"N": "2"}, "seven_a_week": {"N": "7"}}}}}}
    },
}


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"reason": {"S": "missing_variable"}, "detail": {"S": "name"}}, "missing_variable (name)"),
        (
            {"reason": {"S": "capped"}, "rules": {"L": [{"M": CAPS}]}, "detail": {"NULL": True}},
            "capped (two_a_day, seven_a_week)",
        ),
    ],
)
def test_a_reason_comes_with_its_detail(more: dict[str, Any], end: str) -> None:
    text, _ = shown({}, ("records", item(until={"NULL": True}, **more)))
    assert text.endswith(f"deferred {end}\n")


def test_what_would_move_the_cursor_is_masked() -> None:
    profile = {"user_id": "esc\u001b[31m\nX"}
    missing = item(until={"NULL": True}, detail={"S": "a\u001b[2J\nb"})
    text, _ = shown(profile, ("records", missing))
    assert text.count("\n") == 1
    assert " esc?[31m?X " in text
    assert text.endswith("(a?[2J?b)\n")


@pytest.mark.parametrize(
    ("name", "shown"), [("ada", "ada"), ("ada's", "'ada'\"'\"'s'"), ("esc\u001b[31m\nX", "c1")]
)
def test_the_customer_to_look_at_can_be_pasted(name: str, shown: str) -> None:
    assert for_shell(name, "c1") == shown


def test_a_long_name_lacks_its_middle_and_the_columns_stay_in_line() -> None:
    long = {"user_id": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    text, _ = shown(long, ("records", item()))
    assert " 0f8fad5b-…7728950e cart_abandonment/" in text
    names = iter(["auth0|5f7c8ec7c33c6c004bbafe82", "ada"])
    console = Console(record=True, width=80, file=io.StringIO())
    log = DecisionLog(console, "records", lambda _: Person(next(names), ZoneInfo("UTC")))
    log.on_put("records", item())
    log.on_put("records", item())
    first, second = console.export_text().splitlines()
    assert first.index("cart_abandonment/") == second.index("cart_abandonment/")
    assert first.index("sms") == second.index("sms")


def test_without_a_zone_the_time_is_utc_and_missing_parts_are_dashes() -> None:
    bare = item(channel={"NULL": True}, until={"NULL": True}, outcome={"S": "suppressed"})
    text, _ = shown({}, ("records", bare))
    assert text.startswith("Wed 25 Nov 02:59 UTC")
    assert text.split()[7:] == ["-", "suppressed", "quiet_hours"]


@pytest.mark.parametrize(
    ("profile", "name", "zone"),
    [
        ({}, "c1", "UTC"),
        ({"anonymous_ids": ["device-1"], "country": "GB"}, "device-1", "Europe/London"),
        ({"user_id": "ada", "anonymous_ids": ["d"], "country": "US"}, "ada", "UTC"),
    ],
)
def test_people_are_named_as_senders_know_them_and_in_their_only_zone(
    profile: dict[str, Any], name: str, zone: str
) -> None:
    who = person("c1", profile)
    assert (who.name, who.zone.key) == (name, zone)


def test_other_items_and_tables_are_not_shown() -> None:
    message = {**item(), "sk": {"S": "MESSAGE#m"}}
    text, log = shown({}, ("records", message), ("customers", item()))
    assert text == ""
    assert log.decisions == []


def test_the_summary_counts_by_kind() -> None:
    sent = item(outcome={"S": "sent"}, reason={"S": "accepted"})
    _, log = shown({}, ("records", item()), ("records", sent), ("records", sent))
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(log.summary())
    rows = [line.split() for line in console.export_text().splitlines()]
    counts = {row[3]: row[-2] for row in rows if "cart_abandonment" in row}
    assert counts == {"deferred": "1", "sent": "2"}
