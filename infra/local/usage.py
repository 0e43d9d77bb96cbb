"""Usage plans and API keys of a template, made in moto directly, and looked up there at each call.

`stepwell write-keys` works on the same ones, over moto's HTTP endpoint.
"""

from __future__ import annotations

from typing import Any

from moto.apigateway.models import apigateway_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.assembly import StackTemplate
from infra.local.authorizing import Plan
from infra.local.intrinsics import Scope
from infra.local.template_parts import of_type

USAGE_PLAN = "AWS::ApiGateway::UsagePlan"
API_KEY = "AWS::ApiGateway::ApiKey"
PLAN_KEY = "AWS::ApiGateway::UsagePlanKey"


def make_usage_plans(stack: StackTemplate, scope: Scope, client: Any) -> None:
    """Make a template's plans and keys, each key in its plan."""
    made: dict[str, str] = {}
    for logical, properties in of_type(stack, USAGE_PLAN):
        throttle = properties["Throttle"]
        plan = client.create_usage_plan(
            name=scope.resolve(properties["UsagePlanName"]),
            throttle={"rateLimit": throttle["RateLimit"], "burstLimit": throttle["BurstLimit"]},
        )
        made[logical] = plan["id"]
    for logical, properties in of_type(stack, API_KEY):
        key = client.create_api_key(
            name=scope.resolve(properties["Name"]),
            value=properties["Value"],
            enabled=properties["Enabled"],
        )
        made[logical] = key["id"]
    for _, properties in of_type(stack, PLAN_KEY):
        client.create_usage_plan_key(
            usagePlanId=made[properties["UsagePlanId"]["Ref"]],
            keyId=made[properties["KeyId"]["Ref"]],
            keyType="API_KEY",
        )


def find_plan(value: str) -> Plan | None:
    """The plan of an enabled API key; None for one that is none or in none."""
    backend = apigateway_backends[ACCOUNT][REGION]
    for key in list(backend.keys.values()):
        if key.value == value and key.enabled:
            for plan in backend.get_usage_plans(api_key_id=key.id):
                throttle = plan.throttle
                return Plan(key.id, float(throttle["rateLimit"]), int(throttle["burstLimit"]))
    return None
