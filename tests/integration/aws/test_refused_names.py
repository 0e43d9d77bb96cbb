"""What an app may not say: what the engine alone tells, and consents for purposes there are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.events.told import OF_THE_ENGINE
from tests.support.stage import Stage

SCHEMAS = Path("events/schemas")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def say(stage: Stage, event: str, **properties: Any) -> tuple[int, Any]:
    call = {"userId": "eve", "event": event, "properties": properties}
    answer = stage.call("track", call)
    return answer["statusCode"], json.loads(answer["body"])


def test_the_engine_alone_tells_what_its_schemas_say() -> None:
    schemas = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    told = {each["title"] for each in schemas if each["description"].startswith("Told by Stepwell")}
    assert told == OF_THE_ENGINE


@pytest.mark.parametrize("event", sorted(OF_THE_ENGINE))
def test_what_the_engine_tells_is_refused_of_apps(stage: Stage, event: str) -> None:
    """A page's key is public: anybody could begin a segment's journey, or end one by an open."""
    status, body = say(stage, event, segment="hesitating", message="m", trait="plan")
    assert status == 403
    assert body["errors"] == [{"field": "event", "message": f'"{event}" is told by Stepwell alone'}]


def test_a_consent_is_about_a_purpose_that_there_is(stage: Stage) -> None:
    """One that was revoked by a wrong name was taken, and went on."""
    said = {"channel": "email", "status": "revoked"}
    assert say(stage, "Consent Updated", purpose="marketing", **said)[0] == 200
    for purpose in ("marketing_email", "marketng", "Marketing"):
        status, body = say(stage, "Consent Updated", purpose=purpose, **said)
        assert (status, body["quarantined"]) == (400, 1)
        assert {each["field"] for each in body["errors"]} == {"properties.purpose"}
        assert "marketing" in body["message"] or purpose == "Marketing"
