"""Authorizers, API keys and throttles stand before a route as they do on AWS."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.authorizing import Gate, Plan, RefusedError
from infra.local.functions import Invocation
from infra.local.template_parts import Authorizer, Route

ROUTE = Route("POST", "/{call}", "ingest", "CUSTOM", "Authorizer", needs_key=True)
OPEN = Route("GET", "/{call}", "ingest", "NONE")
PLANS = {"key-of-shop": Plan("1", 2.0, 3), "key-of-web": Plan("2", 1.0, 1)}


def event(authorization: str = "shop", path: str = "/track") -> dict[str, Any]:
    return {
        "path": path,
        "httpMethod": "POST",
        "headers": {"authorization": authorization} if authorization else {},
        "requestContext": {"stage": "local"},
        "body": "a secret",
        "isBase64Encoded": False,
    }


def answer(**other: Any) -> dict[str, Any]:
    resource = "arn:aws:execute-api:us-east-1:123456789012:local/local/POST/*"
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}
    return {
        "principalId": "p",
        "policyDocument": {"Statement": [statement]},
        "usageIdentifierKey": "key-of-shop",
        **other,
    }


class Bench:
    def __init__(self, said: Any = None, error: str | None = None, **authorizer: Any) -> None:
        self.said, self.error = said if said is not None else answer(), error
        self.asked: list[Any] = []
        self.seconds = 0.0
        made = Authorizer("authorizer", **{"seconds": 0, **authorizer})
        self.gate = Gate(self.invoke, PLANS.get, {"Authorizer": made}, lambda: self.seconds)

    def invoke(self, function: str, asked: Any) -> Invocation:
        assert function == "authorizer"
        self.asked.append(asked)
        return self.said, self.error

    def refused(self, given: dict[str, Any] | None = None) -> tuple[int, str]:
        with pytest.raises(RefusedError) as caught:
            self.gate.let_in(ROUTE, given or event())
        return caught.value.status, caught.value.kind


def test_an_authorizer_sees_the_call_without_its_body() -> None:
    bench = Bench()
    bench.gate.let_in(ROUTE, event())
    ((asked),) = bench.asked
    assert asked["type"] == "REQUEST"
    assert asked["methodArn"].endswith(":local/local/POST/track")
    assert asked["headers"] == {"authorization": "shop"}
    assert "a secret" not in str(asked)


def test_its_context_reaches_the_function_as_text() -> None:
    bench = Bench(answer(context={"source": "shop", "live": True, "number": 2}))
    assert bench.gate.let_in(ROUTE, event()) == {
        "principalId": "p",
        "source": "shop",
        "live": "true",
        "number": "2",
    }


def test_a_route_without_an_authorizer_is_open() -> None:
    bench = Bench()
    assert bench.gate.let_in(OPEN, event()) is None
    assert bench.asked == []


def test_the_error_unauthorized_is_401_and_any_other_is_not() -> None:
    assert Bench({"errorMessage": "Unauthorized"}, "Unhandled").refused() == (401, "UNAUTHORIZED")
    broken = (500, "AUTHORIZER_CONFIGURATION_ERROR")
    assert Bench({"errorMessage": "unauthorized"}, "Unhandled").refused() == broken


@pytest.mark.parametrize("said", [{}, {"policyDocument": {}}, {"principalId": "p"}, {"a": 1}])
def test_an_answer_that_is_none_is_500(said: Any) -> None:
    assert Bench(said).refused() == (500, "AUTHORIZER_CONFIGURATION_ERROR")


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": "*"}],
        [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*/GET/*"}],
        [
            {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"},
            {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": "*/POST/track"},
        ],
    ],
)
def test_a_policy_that_does_not_allow_the_call_is_403(statements: Any) -> None:
    said = answer(policyDocument={"Statement": statements})
    assert Bench(said).refused() == (403, "ACCESS_DENIED")


@pytest.mark.parametrize("key", ["nobody's", "", None])
def test_a_call_without_a_known_api_key_is_403(key: Any) -> None:
    assert Bench(answer(usageIdentifierKey=key)).refused() == (403, "INVALID_API_KEY")


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bench = Bench()
    for _ in range(3):
        bench.gate.let_in(ROUTE, event())
    assert bench.refused() == (429, "THROTTLED")
    bench.seconds += 0.5  # two a second
    bench.gate.let_in(ROUTE, event())
    assert bench.refused() == (429, "THROTTLED")
    bench.seconds += 60  # no more than the burst, however long it rests
    for _ in range(3):
        bench.gate.let_in(ROUTE, event())
    assert bench.refused() == (429, "THROTTLED")


def test_each_key_has_a_bucket_of_its_own() -> None:
    bench = Bench(answer(usageIdentifierKey="key-of-web"))
    bench.gate.let_in(ROUTE, event())
    assert bench.refused() == (429, "THROTTLED")
    bench.said = answer()
    bench.gate.let_in(ROUTE, event())


# ------------------------------------------------------------------------- remembering

HEADER = ("method.request.header.Authorization",)


def test_an_answer_is_remembered_for_its_time_by_its_identity() -> None:
    bench = Bench(seconds=60, identity=HEADER)
    bench.gate.let_in(ROUTE, event())
    bench.gate.let_in(ROUTE, event(path="/identify"))
    assert len(bench.asked) == 1
    bench.said = answer(usageIdentifierKey="key-of-web")
    bench.gate.let_in(ROUTE, event("web"))
    assert len(bench.asked) == 2
    bench.seconds = 60
    bench.gate.let_in(ROUTE, event())
    assert len(bench.asked) == 3


def test_a_call_without_the_identity_is_401_before_anybody_is_asked() -> None:
    bench = Bench(seconds=60, identity=HEADER)
    assert bench.refused(event("")) == (401, "UNAUTHORIZED")
    assert bench.asked == []


def test_without_a_time_nothing_is_remembered_and_every_call_is_asked_about() -> None:
    bench = Bench(seconds=0)
    bench.gate.let_in(ROUTE, event(""))
    bench.gate.let_in(ROUTE, event(""))
    assert len(bench.asked) == 2
