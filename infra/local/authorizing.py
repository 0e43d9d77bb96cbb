"""What API Gateway does before it calls a function: authorizer, API key, throttle, as on AWS.

An authorizer's answer is remembered for the template's time, by the values of its identity sources;
a call that lacks one of them is refused without asking. Without a time there are none to look at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from infra.local.account import ACCOUNT, REGION
from infra.local.functions import Invocation
from infra.local.template_parts import Authorizer, Route

_UNAUTHORIZED = "Unauthorized"
"""The one error of an authorizer's function that is a 401."""


class RefusedError(Exception):
    """API Gateway answers by itself; `kind` is the type of its gateway response."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status, self.kind, self.text = status, kind, text


@dataclass(frozen=True, slots=True)
class Plan:
    """What an API key may do: so many calls a second, so many at once."""

    key_id: str
    rate: float
    burst: int


@dataclass(slots=True)
class _Bucket:
    plan: Plan
    tokens: float
    at: float


@dataclass
class Gate:
    """`find_plan` gives the plan of an API key by its value, None for a key that may not call.

    Calls are counted in real time, also where the clock stands still: what they would overload is
    this machine.
    """

    invoke: Callable[[str, Any], Invocation]
    find_plan: Callable[[str], Plan | None]
    authorizers: Mapping[str, Authorizer] = field(default_factory=dict)
    now: Callable[[], float] = time.monotonic
    _remembered: dict[tuple[str, ...], tuple[float, Any]] = field(default_factory=dict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let_in(self, route: Route, event: dict[str, Any]) -> dict[str, Any] | None:
        """What the function sees as `requestContext.authorizer`. Raises RefusedError."""
        authorizer = self.authorizers.get(route.authorizer)
        answer = self._ask(authorizer, event) if authorizer else None
        if answer is not None and not _allows(answer["policyDocument"], _arn(event)):
            said = "User is not authorized to access this resource"
            raise RefusedError(403, "ACCESS_DENIED", said)
        if route.needs_key:
            self._count((answer or {}).get("usageIdentifierKey") or "")
        if answer is None:
            return None
        context = {name: _as_text(value) for name, value in (answer.get("context") or {}).items()}
        return {**context, "principalId": answer["principalId"]}

    def _ask(self, authorizer: Authorizer, event: dict[str, Any]) -> Any:
        if not authorizer.seconds:
            return self._answer(authorizer, event)
        sources = [_identity(source, event) for source in authorizer.identity]
        if not all(sources):
            raise RefusedError(401, "UNAUTHORIZED", _UNAUTHORIZED)
        place = (authorizer.function, *sources)
        known = self._remembered.get(place)
        if known is None or self.now() - known[0] >= authorizer.seconds:
            known = self.now(), self._answer(authorizer, event)
            self._remembered[place] = known
        return known[1]

    def _answer(self, authorizer: Authorizer, event: dict[str, Any]) -> Any:
        parts = {name: each for name, each in event.items() if name not in {"body", _PACKED}}
        asked = {"type": "REQUEST", "methodArn": _arn(event), **parts}
        answer, error = self.invoke(authorizer.function, asked)
        if error is not None:
            if answer.get("errorMessage") == _UNAUTHORIZED:
                raise RefusedError(401, "UNAUTHORIZED", _UNAUTHORIZED)
            raise _broken()
        try:
            _allows(answer["policyDocument"], "")
            str(answer["principalId"])
        except (KeyError, TypeError):
            raise _broken() from None
        return answer

    def _count(self, value: str) -> None:
        plan = self.find_plan(value) if value else None
        if plan is None:
            raise RefusedError(403, "INVALID_API_KEY", "Forbidden")
        with self._lock:
            now = self.now()
            bucket = self._buckets.get(plan.key_id)
            if bucket is None or bucket.plan != plan:
                bucket = self._buckets[plan.key_id] = _Bucket(plan, plan.burst, now)
            bucket.tokens = min(plan.burst, bucket.tokens + (now - bucket.at) * plan.rate)
            bucket.at = now
            if bucket.tokens < 1:
                raise RefusedError(429, "THROTTLED", "Too Many Requests")
            bucket.tokens -= 1


_PACKED = "isBase64Encoded"


def _broken() -> RefusedError:
    return RefusedError(500, "AUTHORIZER_CONFIGURATION_ERROR", "Internal server error")


def _arn(event: dict[str, Any]) -> str:
    stage, path = event["requestContext"]["stage"], event["path"].lstrip("/")
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:local/{stage}/{event['httpMethod']}/{path}"


def _identity(source: str, event: dict[str, Any]) -> str:
    """`method.request.header.Authorization` -> its value; empty when there is none."""
    name = source.rpartition(".")[2].lower()
    headers = event.get("headers") or {}
    return next((str(each) for key, each in headers.items() if key.lower() == name), "")


def _allows(policy: Any, arn: str) -> bool:
    """An IAM policy's verdict: a denial wins, and what nothing allows is denied."""
    effects = {
        statement["Effect"]
        for statement in policy["Statement"]
        if any(fnmatchcase(arn, each) for each in _listed(statement["Resource"]))
        and "execute-api:Invoke" in _listed(statement["Action"])
    }
    return effects == {"Allow"}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _as_text(value: Any) -> str:
    """API Gateway hands an authorizer's numbers and booleans on as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
