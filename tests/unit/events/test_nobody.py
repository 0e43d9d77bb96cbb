"""Ids that name nobody, at the front door and as values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stepwell.events.envelope import EnvelopeError, read_call
from stepwell.events.model import Event
from stepwell.events.nobody import names_nobody


def read(**ids: Any) -> list[Event]:
    body = json.dumps({"event": "Seen", **ids}).encode()
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return read_call("track", body, source="shop", received_at=now, new_id=lambda: "m")


@pytest.mark.parametrize("text", ["", "0", " NULL", "00000000-0000-0000-0000-000000000000", "{}"])
def test_what_names_nobody(text: str) -> None:
    assert names_nobody(text)


@pytest.mark.parametrize("text", ["7", "11111", "ada", "nullable", "guest-7", "+447700900123"])
def test_what_may_name_somebody(text: str) -> None:
    assert not names_nobody(text)


@pytest.mark.parametrize(
    "ids", [{"userId": "null"}, {"userId": " Undefined", "anonymousId": "0-0"}]
)
def test_a_call_whose_ids_name_nobody_is_refused(ids: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeError) as refused:
        read(**ids)
    ((field, text),) = refused.value.problems
    assert field == "userId"
    assert "names nobody" in text


def test_a_call_with_one_id_of_somebody_is_taken() -> None:
    (event,) = read(userId="null", anonymousId="a")
    assert (event.user_id, event.anonymous_id) == ("null", "a")
