"""The API: who may call, how often, what it says by itself, what it logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.layers import ROOT
from infra.settings import settings_for
from stepwell.events.sources import usage_key
from tests.infrastructure.synthesized import Synthesized, short


def test_api_has_these_routes(synthesized: Synthesized) -> None:
    assert _routes(synthesized) == {
        ("POST", "/v1/{call}"): "CUSTOM",
        ("OPTIONS", "/v1/{call}"): "NONE",
        ("POST", "/{call}"): "CUSTOM",
        ("OPTIONS", "/{call}"): "NONE",
        ("GET", "/v1/openapi.json"): "NONE",
        ("GET", "/v1/projects/{write_key}/settings"): "NONE",
        ("GET", "/v1/unsubscribe"): "NONE",
        ("POST", "/v1/unsubscribe"): "NONE",
        ("GET", "/v1/inbox"): "NONE",
        ("OPTIONS", "/v1/inbox"): "NONE",
        ("POST", "/v1/inbox/{id}/{what}"): "NONE",
        ("OPTIONS", "/v1/inbox/{id}/{what}"): "NONE",
        ("GET", "/admin/customers/{id}"): "AWS_IAM",
        ("POST", "/admin/customers"): "AWS_IAM",
        ("GET", "/admin/audiences"): "AWS_IAM",
        ("GET", "/admin/audiences/{name}"): "AWS_IAM",
    }


def _routes(synthesized: Synthesized) -> dict[tuple[str, str], str]:
    parts = dict(synthesized.of_type("AWS::ApiGateway::Resource"))

    def path(reference: Mapping[str, Any]) -> str:
        if "Ref" not in reference:
            return ""
        part = parts[reference["Ref"]]["Properties"]
        return f"{path(part['ParentId'])}/{part['PathPart']}"

    return {
        (method["HttpMethod"], path(method["ResourceId"])): method["AuthorizationType"]
        for method in synthesized.properties("AWS::ApiGateway::Method")
    }


def test_api_answers_browsers_by_itself(synthesized: Synthesized) -> None:
    """A page's preflight starts no function, and a refusal of the gateway is readable to a page."""
    preflights = [
        each
        for each in synthesized.properties("AWS::ApiGateway::Method")
        if each["HttpMethod"] == "OPTIONS"
    ]
    assert len(preflights) == 4
    methods = []
    for preflight in preflights:
        assert preflight["Integration"]["Type"] == "MOCK"
        [answer] = preflight["Integration"]["IntegrationResponses"]
        said = {
            name.rpartition(".")[2]: value.strip("'")
            for name, value in answer["ResponseParameters"].items()
        }
        assert said["Access-Control-Allow-Origin"] == "*"
        allowed = set(said["Access-Control-Allow-Headers"].lower().split(","))
        assert {"authorization", "content-type"} <= allowed
        methods.append((said["Access-Control-Allow-Methods"], "x-retry-count" in allowed))
    assert sorted(methods) == [("GET", False), ("POST", False), ("POST", True), ("POST", True)]


def test_api_refusals_are_readable_for_pages_and_say_what_sdks_look_for(
    synthesized: Synthesized,
) -> None:
    refusals = synthesized.properties("AWS::ApiGateway::GatewayResponse")
    statuses = {each["ResponseType"]: each.get("StatusCode") for each in refusals}
    assert statuses == {
        "DEFAULT_4XX": None,
        "DEFAULT_5XX": None,
        "UNAUTHORIZED": "401",
        "WAF_FILTERED": "403",
        "THROTTLED": "429",
        "AUTHORIZER_FAILURE": "503",
        "AUTHORIZER_CONFIGURATION_ERROR": "503",
        "INVALID_API_KEY": "503",
    }
    for refusal in refusals:
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in refusal["ResponseParameters"].items()
        }
        assert headers["Access-Control-Allow-Origin"] == "'*'"
        comes_again = refusal.get("StatusCode") in {"429", "503"}
        assert ("Retry-After" in headers) is comes_again
        assert ("Retry-After" in headers.get("Access-Control-Expose-Headers", "")) is comes_again
        template = refusal["ResponseTemplates"]["application/json"]
        shown = json.loads(template.replace("$context.error.messageString", '"Too many"'))
        assert shown["success"] is False
        assert {"code", "message"} <= shown.keys()


def test_api_every_tracking_call_has_the_authorizer_and_is_counted(
    synthesized: Synthesized,
) -> None:
    [(authorizer, made)] = synthesized.of_type("AWS::ApiGateway::Authorizer")
    properties = made["Properties"]
    assert properties["Type"] == "REQUEST"
    assert properties["AuthorizerResultTtlInSeconds"] == 0
    assert "IdentitySource" not in properties  # a call with its key in the body has no header
    assert "'AuthorizerFunction" in str(properties["AuthorizerUri"])
    [api] = synthesized.properties("AWS::ApiGateway::RestApi")
    assert api["ApiKeySourceType"] == "AUTHORIZER"
    tracking = [
        each
        for each in synthesized.properties("AWS::ApiGateway::Method")
        if each["HttpMethod"] == "POST" and each["AuthorizationType"] not in ("NONE", "AWS_IAM")
    ]
    assert len(tracking) == 2
    for method in tracking:
        assert method["AuthorizationType"] == "CUSTOM"
        assert method["AuthorizerId"] == {"Ref": authorizer}
        assert method["ApiKeyRequired"] is True


def test_api_serves_the_description_that_is_committed(synthesized: Synthesized) -> None:
    [method] = [
        each
        for each in synthesized.properties("AWS::ApiGateway::Method")
        if each["HttpMethod"] == "GET" and each["Integration"]["Type"] == "MOCK"
    ]
    [answer] = method["Integration"]["IntegrationResponses"]
    served = answer["ResponseTemplates"]["application/json"]
    assert json.loads(served) == json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert not set("$#") & set(served)  # they would be read as a program
    assert len(served) < 300_000  # API Gateway's limit
    assert not method.get("ApiKeyRequired")
    assert method["Integration"]["PassthroughBehavior"] == "NEVER"
    assert answer["ResponseParameters"] == {
        "method.response.header.Content-Type": "'application/json'",
        "method.response.header.Access-Control-Allow-Origin": "'*'",
        "method.response.header.Cache-Control": "'public, max-age=3600'",
    }


def test_api_description_shows_the_gateways_own_refusals(synthesized: Synthesized) -> None:
    described = json.loads((ROOT / "docs" / "openapi.json").read_text())["components"]["responses"]
    templates = {
        each["ResponseType"]: each["ResponseTemplates"]["application/json"]
        for each in synthesized.properties("AWS::ApiGateway::GatewayResponse")
    }
    for kind, name in (("UNAUTHORIZED", "Unauthorized"), ("THROTTLED", "Throttled")):
        example = described[name]["content"]["application/json"]["example"]
        assert json.loads(templates[kind]) == example


def test_api_has_a_plan_for_each_tier_and_one_for_calls_without_a_header(
    synthesized: Synthesized,
) -> None:
    settings = settings_for("local")
    plans = {
        each["UsagePlanName"]: each for each in synthesized.properties("AWS::ApiGateway::UsagePlan")
    }
    expected = {f"stepwell-local-tier-{name}": each for name, each in settings.tiers.items()}
    expected["stepwell-local-without-header"] = settings.without_header
    assert {
        name: (each["Throttle"]["RateLimit"], each["Throttle"]["BurstLimit"])
        for name, each in plans.items()
    } == {name: (each.rate, each.burst) for name, each in expected.items()}
    [(stage, _)] = synthesized.of_type("AWS::ApiGateway::Stage")
    for plan in plans.values():
        [of] = plan["ApiStages"]
        assert of["Stage"] == {"Ref": stage}


def test_api_calls_without_a_header_are_counted_by_the_key_that_the_authorizer_names(
    synthesized: Synthesized,
) -> None:
    [(key_id, key)] = synthesized.of_type("AWS::ApiGateway::ApiKey")
    assert key["Properties"]["Value"] == usage_key("local")
    assert key["Properties"]["Enabled"] is True
    [(shared, _)] = [
        (logical_id, each)
        for logical_id, each in synthesized.of_type("AWS::ApiGateway::UsagePlan")
        if each["Properties"]["UsagePlanName"] == "stepwell-local-without-header"
    ]
    [joined] = synthesized.properties("AWS::ApiGateway::UsagePlanKey")
    assert (joined["KeyId"], joined["UsagePlanId"]) == ({"Ref": key_id}, {"Ref": shared})


def test_api_stage_is_throttled_and_logs_nothing_personal(synthesized: Synthesized) -> None:
    [stage] = synthesized.properties("AWS::ApiGateway::Stage")
    settings, *open_to_all = stage["MethodSettings"]
    assert {each["ResourcePath"] for each in open_to_all} == {
        "/~1v1~1openapi.json",
        "/~1v1~1projects~1{write_key}~1settings",
        "/~1v1~1unsubscribe",
        "/~1v1~1inbox",
        "/~1v1~1inbox~1{id}~1{what}",
    }
    assert {each["ThrottlingRateLimit"] for each in open_to_all} == {500}
    assert {each["DataTraceEnabled"] for each in open_to_all} == {False}
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (500, 1000)
    assert settings["DataTraceEnabled"] is False
    assert short(stage["AccessLogSetting"]["DestinationArn"]) == "HttpAccessLogs.Arn"
    logged = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    assert not logged & {"$context.identity.sourceIp", "$context.path", "$context.identity.user"}
