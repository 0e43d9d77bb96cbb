"""The place from an app's context to a message, through the real handlers on moto."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stepwell.timestamps import to_text
from tests.support.context_page import write_lunch
from tests.support.stage import PREFIX, TUESDAY, Stage

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BERLIN = {"latitude": 52.5163, "longitude": 13.3777, "city": "Berlin", "region": "BE", "speed": 3}
POTSDAM = {"latitude": 52.3906, "longitude": 13.0645, "city": "Potsdam"}
PHONE = {"type": "ios", "id": "B5372DB0", "model": "iPhone16,2", "token": "device-of-ada"}


def page(stage: Stage, user: str, number: int, location: dict[str, Any], **more: Any) -> None:
    """A call that comes twice, and is delivered twice."""
    now = {"timestamp": to_text(stage.engine.clock.now())}
    device = PHONE | {"token": f"device-of-{user}"}
    context = {"location": location, "device": device, "ip": "203.0.113.9"}
    call = {"type": "page", "userId": user, "messageId": f"{user}-{number}", "context": context}
    answer = stage.call("batch", {"batch": [call | now | more] * 2})
    assert answer["statusCode"] == 200, answer
    assert stage.deliver(times=2) == {"batchItemFailures": []}
    stage.engine.settle()


def test_lunch_goes_to_who_is_in_range_and_stays_there(tmp_path: Path) -> None:
    with Stage(project=write_lunch(tmp_path)) as stage:
        for user in ("ada", "bob"):
            stage.identify(user, timezone="Europe/London")
            stage.grant("push", purpose="service", user=user)
        page(stage, "ada", 1, BERLIN)
        page(stage, "bob", 1, BERLIN)
        page(stage, "bob", 2, POTSDAM)
        page(stage, "ada", 2, POTSDAM, timestamp="2026-11-24T20:00:00Z")  # comes late
        stage.engine.run_until(NOON)
        (text,) = stage.sent_push()
        assert "in Berlin in half an hour" in text
        profile = stage.snapshot("ada").profile or {}
        assert json.loads(profile["place"]) == {
            "latitude": 52.52031,
            "longitude": 13.38287,
            "city": "Berlin",
            "at": to_text(TUESDAY),
        }
        shown = stage.engine.invoke(PREFIX + "admin", {"pathParameters": {"id": "ada"}})
        assert json.loads(shown["body"])["profile"]["place"]["city"] == "Berlin"
        assert json.loads(profile["device"]) == {
            "kind": "ios",
            "model": "iPhone16,2",
            "at": to_text(TUESDAY),
        }
        assert [each["outcome"] for each in stage.records("FINISHED#", "bob")] == ["completed"]
        assert stage.records("MESSAGE#", "bob") == []
