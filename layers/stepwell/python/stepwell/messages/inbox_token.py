"""Tokens by which an app shows one user's inbox: made by the app's own backend, read here.

A JWT, signed with HS256 and the stage's inbox key:

    sub   the user id, as in the events that the app sends
    exp   when it ends, in seconds since 1970; at most LONGEST ahead

Nothing else in it counts. Whoever has one can read and mark that user's messages until it ends, so
it is to be short; it cannot be taken back but by changing the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

LONGEST = timedelta(days=7)
ALGORITHM = "HS256"
_LONGEST_TOKEN = 4_096
_UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""The library would ask its own clock; what counts is asked below."""


class BadTokenError(Exception):
    """The token is not good; the message says why, for whoever writes the backend."""


class SignatureError(BadTokenError):
    """It is signed with another key than those that were given."""


def make_token(user_id: str, key: str, *, until: datetime) -> str:
    """What a backend makes."""
    return jwt.encode({"sub": user_id, "exp": int(until.timestamp())}, key, algorithm=ALGORITHM)


def read_token(authorization: str | None, keys: Iterable[str], now: datetime) -> str:
    """The user id of an `Authorization` header. Any of the keys may have signed it. Raises
    BadTokenError.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadTokenError("an Authorization header with a Bearer token is required")
    claims = _verified(token.strip(), keys)
    user_id, until = claims.get("sub"), claims.get("exp")
    if not isinstance(user_id, str) or not user_id:
        raise BadTokenError("the token's `sub` has to be the user id, as text")
    if not is_whole(user_id):
        raise BadTokenError("the token's `sub` holds half a character")
    if not isinstance(until, int | float) or isinstance(until, bool):
        raise BadTokenError("the token's `exp` has to be when it ends, in seconds since 1970")
    _check_end(until, now.astimezone(UTC).timestamp())
    return user_id


def is_whole(user_id: str) -> bool:
    """Whether no emoji was cut in it: no key is made of half a character."""
    try:
        user_id.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_end(until: float, now: float) -> None:
    if not until > now:  # also what is no number at all
        raise BadTokenError("the token has ended")
    if until > now + LONGEST.total_seconds():
        raise BadTokenError(f"the token's `exp` is more than {LONGEST.days} days ahead")


def _verified(token: str, keys: Iterable[str]) -> dict[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise BadTokenError("the token is no JWT")
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[ALGORITHM], options=_UNCHECKED
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            said = f"the token is no JWT that is signed with {ALGORITHM}"
            raise BadTokenError(said) from error
        return claims
    raise SignatureError("the token is signed with another key than the stage's inbox key")
