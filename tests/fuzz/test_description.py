"""Whatever the description allows is taken, and whatever it does not allow gets a described answer.

Schemathesis makes calls from the API's description and sends them to the template's own gateway,
authorizer and ingest, in this process. In `make test` the same calls each time; `make fuzz` sends
new ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from infra.local.authorizing import Plan
from stepwell.cli.api_people import INBOX, MARK, people_paths
from stepwell.messages.inbox_token import make_token
from stepwell.messages.unsubscribing import PATH as UNSUBSCRIBE
from tests.support.free_queue import free_queue
from tests.support.front_door import FrontDoor, as_wsgi, basic, engine_template
from tests.support.local_stack import ROOT
from tests.support.stage import INBOX_KEY, Stage

PATHS = list(json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"])
SETTINGS = "/v1/projects/{write_key}/settings"
CALLS = [path for path in PATHS if path not in {"/v1/openapi.json", SETTINGS, *people_paths()}]
LONG = [f"/v1/{n}" for n in ("track", "identify", "alias", "group", "page", "screen", "batch")]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def schema() -> Iterator[Any]:
    with Stage() as stage, free_queue(stage):
        door = FrontDoor(stage, engine_template())
        door.gate.find_plan = lambda _: Plan("any", 1e9, 10**9)  # as many calls as there are
        yield schemathesis.openapi.from_wsgi("/v1/openapi.json", as_wsgi(door))


def check(
    schema: Any,
    path: str,
    mode: GenerationMode,
    checks: list[Any],
    examples: int,
    method: str = "POST",
    authorization: str = basic("local"),
) -> None:
    cases = schema[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def send(case: Case[Any]) -> None:
        case.headers["Authorization"] = authorization
        case.validate_response(case.call(), checks=checks)

    send()


@pytest.mark.parametrize("path", CALLS)
def test_what_is_described_is_taken(schema: Any, path: str) -> None:
    checks = [*AS_DESCRIBED, positive_data_acceptance]
    check(schema, path, GenerationMode.POSITIVE, checks, 25 if path in LONG else 3)


@pytest.mark.parametrize("path", LONG)
def test_what_is_not_described_gets_a_described_answer(schema: Any, path: str) -> None:
    check(schema, path, GenerationMode.NEGATIVE, AS_DESCRIBED, 25)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whatever_link_is_followed_the_answer_is_described(schema: Any, method: str) -> None:
    """No made-up link is good, which positive data may be."""
    checks = [check for check in AS_DESCRIBED if check is not positive_data_acceptance]
    check(schema, UNSUBSCRIBE, GenerationMode.POSITIVE, checks, 15, method)


@pytest.mark.parametrize(("path", "method"), [(INBOX, "GET"), (MARK, "POST")])
def test_whatever_inbox_is_asked_for_the_answer_is_described(
    schema: Any, path: str, method: str
) -> None:
    """With a good token, of somebody who has no messages: 404 is the answer to every mark."""
    token = make_token("ada", INBOX_KEY, until=datetime.now(UTC) + timedelta(hours=1))
    checks = [check for check in AS_DESCRIBED if check is not positive_data_acceptance]
    check(schema, path, GenerationMode.POSITIVE, checks, 15, method, f"Bearer {token}")


def test_whatever_settings_are_asked_for_the_answer_is_described(schema: Any) -> None:
    """Nearly every key is unknown, which positive data may be."""
    checks = [check for check in AS_DESCRIBED if check is not positive_data_acceptance]
    check(schema, SETTINGS, GenerationMode.POSITIVE, checks, 25, "GET")
