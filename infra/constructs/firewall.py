"""The web application firewall before the API.

What it blocks it blocks by where a call comes from, never by what is in it: a batch holds URLs,
HTML and half a megabyte, and SDKs drop what gets a 403. `infra.body_rules` holds every stage to it.
"""

from __future__ import annotations

import json

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

IP_REPUTATION = "AWSManagedRulesAmazonIpReputationList"
KNOWN_BAD_INPUTS = "AWSManagedRulesKnownBadInputsRuleSet"
WINDOW_SECONDS = 300
"""In which calls of one address are counted: WAF's default."""
_TOO_MANY = "too-many"
_TOO_MANY_BODY = json.dumps(
    {
        "success": False,
        "code": "throttled",
        "message": "too many calls from this address, send them again later",
    }
)


class Firewall(Construct):
    """A web ACL for one stage of an API, and its association."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        stage: apigateway.Stage,
        calls_per_address: int,
    ) -> None:
        """`calls_per_address` in five minutes; what is more is answered 429, and sent again."""
        super().__init__(scope, id_)
        self.acl = wafv2.CfnWebACL(
            self,
            "Acl",
            name=name,
            description="Stepwell: blocks by address, counts what is in bodies",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            custom_response_bodies={
                _TOO_MANY: wafv2.CfnWebACL.CustomResponseBodyProperty(
                    content_type="APPLICATION_JSON", content=_TOO_MANY_BODY
                )
            },
            rules=[
                _managed(0, "ip-reputation", IP_REPUTATION, counts=False),
                _rate(1, "rate-per-address", calls_per_address),
                _managed(2, "known-bad-inputs", KNOWN_BAD_INPUTS, counts=True),
            ],
            visibility_config=_visibility(name),
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=stage.stage_arn, web_acl_arn=self.acl.attr_arn
        )


def _managed(priority: int, name: str, group: str, *, counts: bool) -> wafv2.CfnWebACL.RuleProperty:
    """One of AWS's groups of rules; `counts`: whatever its rules say, nothing is blocked."""
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group
            )
        ),
        override_action=wafv2.CfnWebACL.OverrideActionProperty(
            count={} if counts else None, none=None if counts else {}
        ),
        visibility_config=_visibility(name),
    )


def _rate(priority: int, name: str, limit: int) -> wafv2.CfnWebACL.RuleProperty:
    """A 429 that pages can read: SDKs keep what it answers, and wait as long as it says."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "60",
    }
    answer = wafv2.CfnWebACL.CustomResponseProperty(
        response_code=429,
        custom_response_body_key=_TOO_MANY,
        response_headers=[
            wafv2.CfnWebACL.CustomHTTPHeaderProperty(name=header, value=value)
            for header, value in headers.items()
        ],
    )
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                limit=limit, aggregate_key_type="IP", evaluation_window_sec=WINDOW_SECONDS
            )
        ),
        action=wafv2.CfnWebACL.RuleActionProperty(
            block=wafv2.CfnWebACL.BlockActionProperty(custom_response=answer)
        ),
        visibility_config=_visibility(name),
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    """Counted by rule. Samples are not kept: they hold addresses and the header with the write key.
    For the same reason there is no log of the calls; whoever needs one adds it for a while.
    """
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
