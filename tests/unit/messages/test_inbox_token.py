"""Tokens for the inbox: what a backend makes is read, and nothing else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from stepwell.messages.inbox_token import (
    LONGEST,
    BadTokenError,
    SignatureError,
    make_token,
    read_token,
)

KEY = "k" * 64
OTHER = "o" * 64
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SOON = int((NOW + timedelta(hours=1)).timestamp())


def bearer(claims: dict[str, Any], key: str = KEY, algorithm: str = "HS256") -> str:
    return "Bearer " + jwt.encode(claims, key, algorithm=algorithm)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_of_the_backend_names_its_user(scheme: str) -> None:
    token = make_token("ada@example.com", KEY, until=NOW + timedelta(hours=1))
    assert read_token(f"{scheme} {token}", [KEY], NOW) == "ada@example.com"


def test_the_key_before_is_good_as_well() -> None:
    header = bearer({"sub": "ada", "exp": SOON}, OTHER)
    assert read_token(header, [KEY, OTHER], NOW) == "ada"
    with pytest.raises(SignatureError):
        read_token(header, [KEY], NOW)


def test_claims_that_are_not_asked_for_do_not_matter() -> None:
    """Libraries add them, and this one would ask its own clock about some."""
    more = {"iat": SOON, "nbf": SOON, "aud": "app", "iss": "shop", "jti": 7, "name": "Ada"}
    assert read_token(bearer({"sub": "ada", "exp": SOON, **more}), [KEY], NOW) == "ada"


WRONG: dict[str, tuple[Any, str]] = {
    "ended": ({"sub": "ada", "exp": int(NOW.timestamp())}, "has ended"),
    "for_too_long": (
        {"sub": "ada", "exp": int((NOW + LONGEST).timestamp()) + 1},
        "more than 7 days ahead",
    ),
    "for_ever": ({"sub": "ada"}, "`exp`"),
    "no_moment": ({"sub": "ada", "exp": True}, "`exp`"),
    "no_number": ({"sub": "ada", "exp": float("nan")}, "has ended"),
    "nobody": ({"exp": SOON}, "`sub`"),
    "empty": ({"sub": "", "exp": SOON}, "`sub`"),
    "half_a_character": ({"sub": "ada\ud83d", "exp": SOON}, "half a character"),
    "a_number": ({"sub": 7, "exp": SOON}, "`sub`"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_backend_gets_wrong_is_named(case: str) -> None:
    claims, said = WRONG[case]
    with pytest.raises(BadTokenError, match=said):
        read_token(bearer(claims), [KEY], NOW)


def unsigned(head: dict[str, str]) -> str:
    parts = ({**head, "typ": "JWT"}, {"sub": "ada", "exp": SOON})
    packed = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts)
    return "Bearer " + ".".join(each.rstrip("=") for each in packed) + "."


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic bG9jYWw6",
        "Bearer a.b.c",
        "Bearer é.è.à",
        "Bearer " + "a" * 5_000,
        unsigned({"alg": "none"}),
        unsigned({"alg": "HS256"}),
        unsigned({"alg": "RS256"}),
        bearer({"sub": "ada", "exp": SOON}, KEY, "HS512"),
    ],
)
def test_what_is_no_token_of_the_stage_is_refused(header: str | None) -> None:
    with pytest.raises(BadTokenError):
        read_token(header, [KEY], NOW)


def test_every_changed_letter_breaks_it() -> None:
    token = make_token("ada", KEY, until=NOW + timedelta(hours=1))
    for place in range(len(token) - 1):  # of the last letter some bits mean nothing
        letter = "A" if token[place] != "A" else "B"
        with pytest.raises(BadTokenError):
            read_token(f"Bearer {token[:place]}{letter}{token[place + 1 :]}", [KEY], NOW)
