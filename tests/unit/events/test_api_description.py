"""The API's description: valid OpenAPI, as committed, and true of what ingest takes and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from stepwell.cli import api_description, api_events
from stepwell.cli.api_description import PATH, SETTINGS, describe, text
from stepwell.cli.api_people import people_paths
from stepwell.cli.main import main
from stepwell.events.envelope import call_named, names_of
from stepwell.events.intake import Answer, Intake, QueueUnavailableError
from stepwell.events.model import Event, EventType
from stepwell.events.nobody import WORDS, names_nobody
from stepwell.events.registry import Registry
from stepwell.events.sources import Source
from stepwell.journeys.compiler.project import read_registry

COMMITTED = Path("docs/openapi.json")
DOCUMENT = json.loads(COMMITTED.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
KINDS = [*EventType, "batch"]
EVENTS = read_registry(Path()).versions
GOOD = {"userId": "ada", "event": "Order Completed", "properties": {"order_id": "1"}}


class Queue:
    def __init__(self, *, full: bool = False) -> None:
        self.full = full

    def send(self, _events: Sequence[Event]) -> None:
        if self.full:
            raise QueueUnavailableError


class Quarantine:
    def keep(
        self, _source: object, _kind: str, refused: Sequence[object], _at: object
    ) -> list[str]:
        return [f"20261124-0123456789abcdef-{index}" for index in range(len(refused))]


SHOP = Source("shop")
REGISTRY = Registry(EVENTS)


def ask(kind: str, call: Any, source: Source | None = SHOP, **queue: bool) -> Answer:
    intake = Intake(lambda _: None, Queue(**queue), lambda: "m", lambda: REGISTRY, Quarantine())
    return intake.accept(kind, source=source, body=json.dumps(call).encode(), received_at=NOW)


def problems(schema: str, value: Any) -> list[str]:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return [each.message for each in Draft202012Validator(whole).iter_errors(value)]


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_it_is_committed_as_it_is_made() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(EVENTS)
    assert describe(EVENTS) == DOCUMENT


def test_the_command_notices_a_drift_and_repairs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "statemachines" / "journeys").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    committed = tmp_path / "docs" / "openapi.json"
    committed.write_text(text({}).replace('"maxLength": 256', '"maxLength": 255'))
    root = ["--root", str(tmp_path)]
    assert main(["openapi", "--check", *root]) == 1
    assert "stepwell openapi --write" in capsys.readouterr().err
    assert main(["openapi", "--write", *root]) == 0
    assert main(["openapi", "--check", *root]) == 0
    capsys.readouterr()
    assert main(["openapi", *root]) == 0
    assert capsys.readouterr().out == committed.read_text() == text({})


def test_every_path_of_every_call_is_described_and_no_other() -> None:
    paths = {
        f"{start}/{name}" for kind in KINDS for name in names_of(kind) for start in ("", "/v1")
    }
    assert DOCUMENT["paths"].keys() == {*paths, *people_paths(), PATH, SETTINGS}
    assert len(paths) == 30
    for path in paths:
        kind = call_named(path.rpartition("/")[2])
        body = DOCUMENT["paths"][path]["post"]["requestBody"]["$ref"]
        assert body.rpartition("/")[2].lower() == kind


@pytest.mark.parametrize("kind", KINDS)
def test_examples_of_calls_are_as_described_and_are_taken(kind: str) -> None:
    body = DOCUMENT["components"]["requestBodies"][kind.capitalize()]
    (content,) = body["content"].values()
    for example in content["examples"].values():
        assert problems(kind.capitalize(), example["value"]) == []
        assert ask(kind, example["value"]).status == 200


def answer_to(status: int, *, batch: bool) -> Answer:
    web = Source("web", frozenset({EventType.TRACK}))
    calls: dict[int, tuple[str, Any, Source | None, bool]] = {
        200: ("track", GOOD, web, False),
        400: ("track", {}, web, False),
        401: ("track", GOOD, None, False),
        403: ("identify", {"userId": "ada"}, web, False),
        413: ("track", GOOD | {"properties": {"text": "x" * 40_000}}, web, False),
        503: ("track", GOOD, web, True),
    }
    kind, call, source, full = calls[status]
    if batch:
        kind, call = "batch", {"batch": [{"type": kind, **call}]}
    return ask(kind, call, source, full=full)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 413, 503])
def test_answers_are_as_described(status: int, batch: bool) -> None:
    answer = answer_to(status, batch=batch)
    assert answer.status == status
    path = "/v1/batch" if batch else "/v1/track"
    reference = DOCUMENT["paths"][path]["post"]["responses"][str(status)]["$ref"]
    response = DOCUMENT["components"]["responses"][reference.rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert problems(schema, answer.body) == []


def test_examples_of_answers_are_as_described() -> None:
    for response in DOCUMENT["components"]["responses"].values():
        content = response["content"]["application/json"]
        assert problems(content["schema"]["$ref"].rpartition("/")[2], content["example"]) == []


def test_every_status_of_the_page_is_described() -> None:
    """But for the 404: it is what other paths get."""
    page = Path("docs/events.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| (\d{3}) \| ", page, re.MULTILINE)) - {"404"}
    for path, operations in DOCUMENT["paths"].items():
        if path not in {PATH, SETTINGS, *people_paths()}:
            assert operations["post"]["responses"].keys() == told


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("track", {"userId": "ada"}),
        ("track", {"event": "A"}),
        ("track", {"userId": "", "anonymousId": None, "event": "A"}),
        ("track", {"userId": "x" * 257, "event": "A"}),
        ("track", {"userId": True, "event": "A"}),
        ("track", {"userId": 1.5, "event": "A"}),
        ("track", {"userId": "ada", "event": ""}),
        ("track", {"userId": "ada", "event": "A", "properties": []}),
        ("track", {"userId": "ada", "event": "Consent Updated"}),
        ("track", {"userId": "ada", "event": "Consent Updated", "properties": {"purpose": "P"}}),
        ("track", {"userId": "ada", "event": "Order Completed"}),
        ("track", GOOD | {"properties": {"order_id": 1}}),
        ("track", GOOD | {"context": {"protocols": {"event_version": 2}}}),
        ("track", {"userId": "ada", "event": "Page Viewed", "properties": {"url": 5}}),
        ("page", {"userId": "ada", "properties": {"url": 5}}),
        ("alias", {"userId": "ada"}),
        ("group", {"userId": "ada", "groupId": ""}),
        ("page", {"userId": "ada", "name": 5}),
        ("batch", {}),
        ("batch", {"batch": {}}),
        ("batch", {"batch": [{"userId": "ada", "event": "A"}]}),
        ("batch", {"batch": [{"type": "order", "userId": "ada"}]}),
    ],
)
def test_what_is_not_as_described_is_refused(kind: str, call: Any) -> None:
    assert problems(kind.capitalize(), call)
    assert ask(kind, call).status == 400


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("track", {"userId": 5, "event": "A", "properties": None, "context": None}),
        ("track", {"userId": "", "anonymousId": "v", "event": "A", "messageId": None}),
        ("identify", {"userId": "ada", "traits": None, "writeKey": ["whatever"]}),
        ("track", GOOD | {"context": {"protocols": {"event_version": "1"}}}),
        ("track", GOOD | {"context": {"protocols": None}}),
        ("track", {"userId": "ada", "event": "order completed", "properties": {"order_id": 1}}),
        ("alias", {"userId": 5, "previousId": 6}),
        ("page", {"userId": "ada", "name": None, "timestamp": None}),
        ("batch", {"batch": []}),
    ],
)
def test_what_sdks_send_beyond_the_usual_is_described_and_taken(kind: str, call: Any) -> None:
    assert problems(kind.capitalize(), call) == []
    assert ask(kind, call).status == 200


# ------------------------------------------------------------------------- versions

OF_TEA = {
    "type": "object",
    "properties": {"of": {"$ref": "#/$defs/drink"}},
    "$defs": {"drink": {"enum": ["tea"]}},
}
NUMBERED = {"type": "object", "properties": {"of": {"type": "integer"}}, "required": ["of"]}
CLOSED = {
    "type": "object",
    "properties": {"name": {"maxLength": 3}},
    "additionalProperties": False,
}
VERSIONS: Any = {"Cup Filled": {2: OF_TEA, 3: NUMBERED}, "Page Viewed": {1: CLOSED}}


def cup(of: Any = None, version: Any = None) -> tuple[str, Any]:
    given = {} if of is None else {"properties": {"of": of}}
    context = {} if version is None else {"context": {"protocols": {"event_version": version}}}
    return "track", {"userId": "ada", "event": "Cup Filled", **given, **context}


def page(**more: Any) -> tuple[str, Any]:
    return "page", {"userId": "ada", **more}


@pytest.mark.parametrize(
    ("kind", "call", "good"),
    [
        (*cup(), True),
        (*cup("tea"), True),
        (*cup("tea", 2), True),
        (*cup("tea", "2"), True),
        (*cup(5), False),
        (*cup(5, 3), True),
        (*cup(5, "3"), True),
        (*cup("tea", 3), False),
        (*cup(None, 3), False),
        (*cup("tea", 1), False),
        (*page(), True),
        (*page(name="abc", category=""), True),
        (*page(name="abcd"), False),
        (*page(category="Plans"), False),
        (*page(properties={"url": "x"}), False),
    ],
)
def test_each_version_is_described_as_ingest_holds_calls_to_it(
    kind: str, call: Any, good: bool
) -> None:
    document = describe(VERSIONS)
    validate(document)
    name = kind.capitalize()
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    assert Draft202012Validator(whole).is_valid(call) is good
    intake = Intake(lambda _: None, Queue(), lambda: "m", lambda: Registry(VERSIONS))
    body = json.dumps(call).encode()
    answer = intake.accept(kind, source=SHOP, body=body, received_at=NOW)
    assert (answer.status == 200) is good


def test_a_registry_that_the_gateway_has_no_room_for_is_left_to_its_page() -> None:
    long = {"type": "object", "properties": {}, "description": "x" * api_events.MOST}
    assert describe({"Cup Filled": {1: long}}) == describe({})
    assert "docs/event-registry.md" in describe({})["info"]["description"]


# ------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("key", "domain", "status"),
    [("k", "events.example.com", 200), ("k", "", 400), ("unknown", "events.example.com", 404)],
)
def test_settings_of_browsers_are_as_described(key: str, domain: str, status: int) -> None:
    intake = Intake(lambda key: SHOP if key == "k" else None, Queue(), lambda: "m")
    path = SETTINGS.replace("{write_key}", key)
    answer = intake.browser_settings(key, domain=domain, path=path)
    assert answer.status == status
    responses = DOCUMENT["paths"][SETTINGS]["get"]["responses"]
    reference = responses[str(status)]["$ref"].rpartition("/")[2]
    content = DOCUMENT["components"]["responses"][reference]["content"]["application/json"]
    assert problems(content["schema"]["$ref"].rpartition("/")[2], answer.body) == []


@given(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(WORDS).flatmap(
            lambda word: st.sampled_from([word, f" {word.upper()}", f"{word}x"])
        ),
        st.text(alphabet="0-1 ", max_size=6),
    )
)
def test_the_description_knows_who_is_nobody(text: str) -> None:
    pattern = api_description._nobody()
    assert bool(re.search(pattern, text)) is names_nobody(text)
