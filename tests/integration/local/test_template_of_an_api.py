"""Authorizers, plans, pages and refusals as they are read from a template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local.account import REGION
from infra.local.assembly import StackTemplate
from infra.local.authorizing import Plan
from infra.local.clock import StepClock
from infra.local.gateway import Api, Request
from infra.local.intrinsics import Scope
from infra.local.template_parts import (
    Authorizer,
    Page,
    Refusal,
    TemplateError,
    read_authorizers,
    read_pages,
    read_refusals,
)
from infra.local.usage import find_plan, make_usage_plans

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

NOTHING: dict[str, str] = {}
SCOPE = Scope(lambda name: NOTHING[name], lambda name, _: NOTHING[name], NOTHING)
URI = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:123456789012:function:asked/invocations"
)


def template(**resources: tuple[str, dict[str, Any]]) -> StackTemplate:
    made = {
        name: {"Type": f"AWS::ApiGateway::{kind}", "Properties": properties}
        for name, (kind, properties) in resources.items()
    }
    return StackTemplate("engine", {"Resources": made}, dict[str, Path]())


# ------------------------------------------------------------------------- authorizers


def test_an_authorizer_is_read_with_its_time_and_what_it_looks_at() -> None:
    asked = {"Type": "REQUEST", "AuthorizerUri": URI, "AuthorizerResultTtlInSeconds": 0}
    looks = {
        "Type": "REQUEST",
        "AuthorizerUri": URI,
        "IdentitySource": "method.request.header.Authorization, method.request.header.X",
    }
    found = read_authorizers(template(A=("Authorizer", asked), B=("Authorizer", looks)), SCOPE)
    assert found["A"] == Authorizer("asked", 0)
    assert found["B"].seconds == 300  # AWS's own, when none is given
    assert found["B"].identity == (
        "method.request.header.Authorization",
        "method.request.header.X",
    )


def test_an_authorizer_of_another_type_is_an_error() -> None:
    pool = template(Pool=("Authorizer", {"Type": "COGNITO_USER_POOLS"}))
    with pytest.raises(TemplateError, match="Pool"):
        read_authorizers(pool, SCOPE)


# ------------------------------------------------------------------------- plans


@pytest.fixture
def apigateway() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("apigateway", region_name=REGION)


def test_plans_and_keys_are_made_and_found_by_the_keys_value(apigateway: Any) -> None:
    throttle = {"RateLimit": 5, "BurstLimit": 7}
    value = "a value of twenty letters"
    make_usage_plans(
        template(
            Plan=("UsagePlan", {"UsagePlanName": "shared", "Throttle": throttle}),
            Key=("ApiKey", {"Name": "shared", "Value": value, "Enabled": True}),
            Lone=("ApiKey", {"Name": "lone", "Value": value + "2", "Enabled": True}),
            Joined=("UsagePlanKey", {"KeyId": {"Ref": "Key"}, "UsagePlanId": {"Ref": "Plan"}}),
        ),
        SCOPE,
        apigateway,
    )
    found = find_plan(value)
    assert found == Plan(found.key_id if found else "", 5.0, 7)
    assert find_plan(value + "2") is None
    assert find_plan("nobody's") is None
    apigateway.update_api_key(
        apiKey=found.key_id,
        patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}],
    )
    assert find_plan(value) is None


# ------------------------------------------------------------------------- what it says itself


def page(body: str) -> StackTemplate:
    answer = {
        "StatusCode": "200",
        "ResponseParameters": {"method.response.header.Content-Type": "'application/json'"},
        "ResponseTemplates": {"application/json": body},
    }
    integration = {"Type": "MOCK", "IntegrationResponses": [answer]}
    return template(
        Part=("Resource", {"PathPart": "about", "ParentId": {"Fn::GetAtt": ["Api", "Root"]}}),
        Method=(
            "Method",
            {"HttpMethod": "GET", "ResourceId": {"Ref": "Part"}, "Integration": integration},
        ),
    )


def api(*refusals: Refusal, pages: list[Page]) -> Api:
    def invoke(_function: str, _event: Any) -> Any:
        raise AssertionError("no function is asked")

    return Api((), invoke, StepClock(NOON), "", str, (), refusals, pages=tuple(pages))


def test_a_page_is_answered_without_a_function() -> None:
    door = api(pages=read_pages(page('{"a": 1}')))
    answer = door.answer(Request("GET", "/about", (), b"", "192.0.2.7"))
    assert (answer.status, answer.body) == (200, b'{"a": 1}')
    assert answer.headers == {"Content-Type": ["application/json"]}
    assert door.answer(Request("POST", "/about", (), b"", "192.0.2.7")).status == 404


@pytest.mark.parametrize("body", ['{"at": "$context.requestTime"}', "#set($a = 1)"])
def test_a_page_that_is_a_program_is_an_error(body: str) -> None:
    with pytest.raises(TemplateError, match="/about"):
        read_pages(page(body))


def test_a_refusal_of_its_own_type_counts_before_the_default_and_may_have_another_status() -> None:
    def response(kind: str, code: str, **other: str) -> tuple[str, dict[str, Any]]:
        said = {"ResponseTemplates": {"application/json": json.dumps({"code": code})}}
        return "GatewayResponse", {"ResponseType": kind, **said, **other}

    refusals = read_refusals(
        template(
            All=response("DEFAULT_4XX", "any"), One=response("NOT_FOUND", "one", StatusCode="503")
        )
    )
    door = api(*refusals, pages=[])
    answer = door.answer(Request("GET", "/nothing", (), b"", "192.0.2.7"))
    assert (answer.status, json.loads(answer.body)) == (503, {"code": "one"})
