"""Usage plans: one a tier, for the API keys that `stepwell write-keys` makes for sources, and one
for all calls whose source the authorizer does not know.
"""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from infra.names import Names
from infra.settings import Settings, Throttle
from stepwell.events.sources import usage_key

WITHOUT_HEADER = "without-header"


class Throttles(Construct):
    """The plans, and the API key of calls without a header.

    Its value lies open in the template, and may: the gateway takes keys from the authorizer only.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        api: apigateway.RestApi,
        names: Names,
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self._api = api
        for tier, throttle in settings.tiers.items():
            self._make_plan(tier.capitalize(), names.tier(tier), throttle)
        shared = self._make_plan("Shared", names.resource(WITHOUT_HEADER), settings.without_header)
        shared.add_api_key(
            apigateway.ApiKey(
                self,
                "SharedKey",
                api_key_name=names.resource(WITHOUT_HEADER),
                description="Stepwell: counts calls without a header; nobody can call with it",
                value=usage_key(settings.stage),
            )
        )

    def _make_plan(self, id_: str, name: str, throttle: Throttle) -> apigateway.UsagePlan:
        return apigateway.UsagePlan(
            self,
            id_,
            name=name,
            throttle=apigateway.ThrottleSettings(
                rate_limit=throttle.rate, burst_limit=throttle.burst
            ),
            api_stages=[
                apigateway.UsagePlanPerApiStage(api=self._api, stage=self._api.deployment_stage)
            ],
        )
