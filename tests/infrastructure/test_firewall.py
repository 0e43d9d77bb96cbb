"""The firewall: it blocks by address, counts what is in bodies, and keeps nothing personal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Stack, Validations
from aws_cdk import aws_wafv2 as wafv2

from infra.app import build
from infra.compiled import Compiled
from infra.settings import STAGES, settings_for
from infra.stacks.engine import Sources
from infra.template_rules import TemplateRules
from tests.infrastructure.synthesized import Synthesized, short


def rules(synthesized: Synthesized) -> dict[str, Mapping[str, Any]]:
    [acl] = synthesized.properties("AWS::WAFv2::WebACL")
    return {rule["Name"]: rule for rule in acl["Rules"]}


def test_firewall_stands_before_the_api(synthesized: Synthesized) -> None:
    [(acl, made)] = synthesized.of_type("AWS::WAFv2::WebACL")
    assert made["Properties"]["Scope"] == "REGIONAL"
    assert made["Properties"]["DefaultAction"] == {"Allow": {}}
    [association] = synthesized.properties("AWS::WAFv2::WebACLAssociation")
    assert association["WebACLArn"] == {"Fn::GetAtt": [acl, "Arn"]}
    [(stage, _)] = synthesized.of_type("AWS::ApiGateway::Stage")
    assert short(association["ResourceArn"]).endswith(f"/stages/{short({'Ref': stage})}")


def test_firewall_has_these_rules_and_only_two_may_block(synthesized: Synthesized) -> None:
    found = rules(synthesized)
    assert list(found) == ["ip-reputation", "rate-per-address", "known-bad-inputs"]
    groups = {
        name: rule["Statement"]["ManagedRuleGroupStatement"]["Name"]
        for name, rule in found.items()
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert groups == {
        "ip-reputation": "AWSManagedRulesAmazonIpReputationList",
        "known-bad-inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert found["ip-reputation"]["OverrideAction"] == {"None": {}}
    assert found["known-bad-inputs"]["OverrideAction"] == {"Count": {}}


def test_firewall_answers_too_many_calls_so_that_sdks_send_them_again(
    synthesized: Synthesized,
) -> None:
    rule = rules(synthesized)["rate-per-address"]
    statement = rule["Statement"]["RateBasedStatement"]
    assert statement == {"AggregateKeyType": "IP", "EvaluationWindowSec": 300, "Limit": 300_000}
    answer = rule["Action"]["Block"]["CustomResponse"]
    assert answer["ResponseCode"] == 429
    headers = {each["Name"]: each["Value"] for each in answer["ResponseHeaders"]}
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert int(headers["Retry-After"]) > 0
    [acl] = synthesized.properties("AWS::WAFv2::WebACL")
    body = acl["CustomResponseBodies"][answer["CustomResponseBodyKey"]]
    assert body["ContentType"] == "APPLICATION_JSON"
    assert json.loads(body["Content"])["success"] is False


def test_firewall_lets_every_source_send_what_its_tier_allows() -> None:
    for settings in STAGES.values():
        assert settings.firewall
        highest = max(each.rate for each in settings.tiers.values())
        assert settings.calls_per_address >= 300 * highest


def test_firewall_counts_without_keeping_samples(synthesized: Synthesized) -> None:
    """A sample has the address and the header with the write key."""
    [acl] = synthesized.properties("AWS::WAFv2::WebACL")
    for each in (acl, *acl["Rules"]):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False
        assert each["VisibilityConfig"]["CloudWatchMetricsEnabled"] is True
    assert synthesized.properties("AWS::WAFv2::LoggingConfiguration") == []


def test_firewall_can_be_left_out(without_firewall: Synthesized) -> None:
    assert without_firewall.properties("AWS::WAFv2::WebACL") == []
    assert without_firewall.properties("AWS::WAFv2::WebACLAssociation") == []


# ------------------------------------------------------------------------------- the invariant


def looks_at(match: str, field: Mapping[str, Any]) -> Mapping[str, Any]:
    nothing = [{"Priority": 0, "Type": "NONE"}]
    return {match: {"FieldToMatch": field, "TextTransformations": nothing}}


def group(name: str) -> Mapping[str, Any]:
    return {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}}


BODY = looks_at("SqliMatchStatement", {"Body": {"OversizeHandling": "CONTINUE"}})
IN_JSON = looks_at("XssMatchStatement", {"JsonBody": {"MatchPattern": {"All": {}}}})
PATH = looks_at("SqliMatchStatement", {"UriPath": {}})
BAD_INPUTS = group("AWSManagedRulesKnownBadInputsRuleSet")
ADDRESSES = group("AWSManagedRulesAnonymousIpList")
ELSEWHERE: Mapping[str, Any] = {
    "RuleGroupReferenceStatement": {"Arn": "arn:aws:wafv2:us-east-1:123456789012:regional/x"}
}
NESTED: Mapping[str, Any] = {
    "RateBasedStatement": {
        "Limit": 100,
        "ScopeDownStatement": {
            "AndStatement": {"Statements": [PATH, {"NotStatement": {"Statement": BODY}}]}
        },
    }
}
BLOCK: Mapping[str, Any] = {"Action": {"Block": {}}}
CAPTCHA: Mapping[str, Any] = {"Action": {"Captcha": {}}}
COUNT: Mapping[str, Any] = {"Action": {"Count": {}}}
GROUP_BLOCKS: Mapping[str, Any] = {"OverrideAction": {"None": {}}}
GROUP_COUNTS: Mapping[str, Any] = {"OverrideAction": {"Count": {}}}


def synthesize(statement: Mapping[str, Any], action: Mapping[str, Any], kind: str) -> None:
    """An app with somebody's own firewall, held to the invariant as the real one is."""
    app = App()
    rule = {"Name": "mine", "Priority": 0, "Statement": statement, **action}
    CfnResource(Stack(app, "stack"), "Mine", type=kind, properties={"Rules": [rule]})
    Validations.of(app).add_plugins(TemplateRules())
    app.synth()


@pytest.mark.parametrize("kind", ["AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup"])
@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (BODY, BLOCK),
        (IN_JSON, BLOCK),
        (NESTED, BLOCK),
        (BODY, CAPTCHA),
        (BAD_INPUTS, GROUP_BLOCKS),
        (ELSEWHERE, GROUP_BLOCKS),
    ],
)
def test_firewall_rule_that_blocks_by_bodies_stops_the_synthesis(
    statement: Mapping[str, Any], action: Mapping[str, Any], kind: str
) -> None:
    with pytest.raises(RuntimeError, match=r"firewall rule mine may block"):
        synthesize(statement, action, kind)


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (BODY, COUNT),
        (NESTED, COUNT),
        (PATH, BLOCK),
        (BAD_INPUTS, GROUP_COUNTS),
        (ADDRESSES, GROUP_BLOCKS),
    ],
)
def test_firewall_rule_that_counts_or_looks_elsewhere_may_be_added(
    statement: Mapping[str, Any], action: Mapping[str, Any]
) -> None:
    synthesize(statement, action, "AWS::WAFv2::WebACL")


def test_firewall_of_the_app_is_held_to_it_too(sources: Sources, compiled: Compiled) -> None:
    app = build(settings_for("local"), compiled, sources)
    [acl] = [each for each in app.node.find_all() if isinstance(each, wafv2.CfnWebACL)]
    looks = {"SqliMatchStatement": {"FieldToMatch": {"Body": {"OversizeHandling": "CONTINUE"}}}}
    acl.add_property_override("Rules.1.Statement.RateBasedStatement.ScopeDownStatement", looks)
    with pytest.raises(RuntimeError, match="rule rate-per-address may block"):
        app.synth()
