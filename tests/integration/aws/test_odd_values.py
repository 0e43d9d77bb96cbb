"""Odd ids, names and values, the whole way from a call to the profile that is shown."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.stage import Stage

ODD = {
    "nul": "a\0b",
    "nul\0": 1,
    "": "no name",
    "big": 10**400,
    "tiny": 5e-324,
    "neg": -0.0,
    "nonchar": "\uffff",
    "bidi": "\u202e",
    "line\u2028": 1,
    "emoji": "😀",
    "exact": 0.1,
    "__proto__": {"a": 1},
    "a.b": 1,
    "$where": 1,
    "pk": "x",
    "sk": "PROFILE",
    "seq": 99,
    "list": [None, True, [], {}],
    "float": 1.7976931348623157e308,
}


@pytest.mark.parametrize("user", ["plain", "nul\0", " a ", "a#b/c d?é%00", "\u202eright", "\uffff"])
def test_odd_values_reach_the_profile_as_they_are(user: str) -> None:
    """A NUL is a character like any other to every store: keys are hashes, and what senders choose
    the names of lies as JSON in one attribute.
    """
    with Stage() as stage:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("identify", {"traits": ODD, "anonymousId": f"{user}-web\0"}),
            ("track", {"event": "O\0dd", "properties": ODD}),
            ("group", {"groupId": "g\0", "traits": ODD}),
            ("alias", {"previousId": "p\0"}),
            ("page", {"name": "n\0", "properties": ODD}),
        ]
        context = {"timezone": "\0", "locale": "\0", "device": {"token": "t\0", "type": "ios"}}
        for number, (kind, call) in enumerate(calls):
            document = {"userId": user, "messageId": f"\0{number}", "context": context, **call}
            assert stage.call(kind, document)["statusCode"] == 200
        assert stage.deliver() == {"batchItemFailures": []}
        shown = stage.engine.invoke("stepwell-local-admin", {"pathParameters": {"id": quote(user)}})
        profile = json.loads(shown["body"])["profile"]
        assert profile["seq"] == len(calls)
        assert profile["traits"] == ODD
        assert profile["user_id"] == user
        assert profile["anonymous_ids"] == [f"{user}-web\0"]
        assert profile["groups"] == {"g\0": ODD}
        assert profile["previous_ids"] == ["p\0"]
