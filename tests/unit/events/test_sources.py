"""Who is calling: write keys in headers, and sources handed on by the authorizer."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from stepwell.aws.authorizer import UnauthorizedError, allowed
from stepwell.events.model import EventType
from stepwell.events.sources import ALL_TYPES, Source, basic_user, from_context, usage_key

ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2/prod/POST/v1/track"
WEB = Source("web", frozenset({EventType.TRACK, EventType.PAGE}), "counted by this")


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (basic(b"key:"), "key"),
        (basic(b"key"), "key"),
        (basic(b"key:pass:word").replace("Basic", "basic"), "key"),
        (basic("ké:".encode()), "ké"),
        (basic(b":"), None),
        (basic(b""), None),
        (basic(b"\xff:"), None),
        (None, None),
        ("", None),
        ("Basic", None),
        ("Basic ?", None),
        ("Bearer key", None),
        ("Basic " + "A" * 9, None),
        ("Basic é", None),
    ],
)
def test_the_write_key_is_the_user_of_basic_authentication(
    header: str | None, user: str | None
) -> None:
    assert basic_user(header) == user


@pytest.mark.parametrize("source", [Source("shop"), WEB, Source("none", frozenset())])
def test_ingest_reads_the_source_that_the_authorizer_found(source: Source) -> None:
    answer = allowed(ARN, source, "shared")
    assert all(isinstance(value, str) for value in answer["context"].values())
    given = {"principalId": "x", "integrationLatency": 12, **answer["context"]}
    assert from_context(given) == Source(source.name, source.types)


@pytest.mark.parametrize("context", [None, {}, {"principalId": "unnamed"}, {"source": ""}])
def test_without_a_source_ingest_finds_none(context: dict[str, Any] | None) -> None:
    assert from_context(context) is None


def test_a_source_of_a_newer_authorizer_keeps_the_types_that_are_known() -> None:
    context = {"source": "shop", "types": "track,wave"}
    assert from_context(context) == Source("shop", frozenset({EventType.TRACK}))
    assert from_context({"source": "shop"}) == Source("shop", frozenset())


def test_a_source_is_counted_by_its_own_key_and_one_without_by_the_shared_one() -> None:
    assert allowed(ARN, WEB, "shared")["usageIdentifierKey"] == "counted by this"
    assert allowed(ARN, Source("old"), "shared")["usageIdentifierKey"] == "shared"
    assert allowed(ARN, None, "shared")["usageIdentifierKey"] == "shared"


def test_what_is_allowed_is_this_method_of_this_stage() -> None:
    [statement] = allowed(ARN, WEB, "shared")["policyDocument"]["Statement"]
    assert statement == {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": "arn:aws:execute-api:us-east-1:123456789012:a1b2/prod/POST/*",
    }


def test_the_word_that_api_gateway_takes_for_a_401() -> None:
    assert str(UnauthorizedError()) == "Unauthorized"


def test_usage_keys_differ_by_stage_source_and_tier_and_are_long_enough() -> None:
    made = [
        usage_key(*names)
        for names in [
            ("dev",),
            ("prod",),
            ("prod", "shop", "standard"),
            ("prod", "shop", "high"),
            ("prod", "web", "standard"),
            ("dev", "shop", "standard"),
        ]
    ]
    assert len(set(made)) == len(made)
    assert all(20 <= len(each) <= 128 and each.isalnum() for each in made)
    assert frozenset(EventType) == ALL_TYPES
