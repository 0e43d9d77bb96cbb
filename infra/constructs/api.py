"""The HTTP API: Segment's tracking routes, the inbox, links in messages, `/admin` for operators."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Size
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledgements import acknowledge, acknowledge_managed_policy
from infra.constructs.firewall import Firewall
from infra.constructs.throttles import Throttles
from infra.names import Names
from infra.settings import Settings
from stepwell.events.intake import unknown_key

TRACKING_METHOD = "POST"
SENT_HEADERS = ("Authorization", "Content-Type", "Content-Encoding", "X-Retry-Count")
"""What SDKs send from pages of other origins, besides what every request may have."""
PREFLIGHT_KEPT = Duration.days(1)
"""How long a browser need not ask again; they take less if they want to."""
OPEN_TO_ALL = (
    "/v1/openapi.json/GET",
    "/v1/projects/{write_key}/settings/GET",
    "/v1/unsubscribe/GET",
    "/v1/unsubscribe/POST",
    "/v1/inbox/GET",
    "/v1/inbox/{id}/{what}/POST",
)
REFUSAL = (
    '{"success": false, "code": "$context.error.responseType", '
    '"message": $context.error.messageString}'
)
"""As ingest refuses: SDKs look for a code and a message. `messageString` comes with its quotes."""
AGAIN = "events cannot be taken just now, send them again"
AGAIN_SECONDS = 1
"""When a bucket that is empty has something again."""
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.responseType",
}
"""No address, no path with its id, no caller: access logs hold nothing personal."""


def _busy(code: str) -> str:
    return json.dumps({"success": False, "code": code, "message": AGAIN})


def as_template(text: str) -> str:
    """A JSON text as API Gateway's template language leaves it: `$` and `#` would begin something
    there, and JSON can say them in another way.
    """
    packed = json.dumps(json.loads(text), separators=(",", ":"))
    return packed.replace("$", "\\u0024").replace("#", "\\u0023")


class TrackingApi(Construct):
    """A REST API, because it throttles per write key and takes a web application firewall."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        settings: Settings,
        description: Path,
        authorizer: lambda_.IFunction,
        ingest: lambda_.IFunction,
        admin: lambda_.IFunction,
        unsubscribe: lambda_.IFunction,
        inbox: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self.api = self._make_api(name)
        self._make_error_log()
        self._v1 = self.api.root.add_resource("v1")
        self._add_tracking(ingest, self._make_authorizer(authorizer))
        self._add_description(description)
        self._add_browser_settings(ingest)
        self._add_unsubscribe(unsubscribe)
        self._add_inbox(inbox)
        self._add_admin(admin)
        self._add_refusals()
        Throttles(self, "Throttles", api=self.api, names=Names(settings.stage), settings=settings)
        self._add_firewall(f"{name}-firewall")
        self.api.node.try_remove_child(
            "Endpoint"
        )  # CDK's own output; ours names the stage in plain text
        host = f"{self.api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
        self.url = f"https://{host}/{settings.stage}"
        self._acknowledge()

    def output_url(self, scope: Construct) -> None:
        CfnOutput(scope, "ApiUrl", value=self.url, description="Where SDKs send their events to")

    def _make_api(self, name: str) -> apigateway.RestApi:
        access_log = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/stepwell/{self._settings.stage}/api",
            retention=self._settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return apigateway.RestApi(
            self,
            "Api",
            rest_api_name=name,
            description="Stepwell: events from apps, and what is known about a customer",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            min_compression_size=Size.kibibytes(1),  # also makes the gateway unpack gzipped bodies
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,  # one per account
            deploy_options=self._deploy_options(access_log),
        )

    def _deploy_options(self, access_log: logs.ILogGroup) -> apigateway.StageOptions:
        return apigateway.StageOptions(
            stage_name=self._settings.stage,
            # Its segments hold the URL, which names a customer, and the caller's address. The
            # functions' own tracing goes on without it.
            tracing_enabled=False,
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
            throttling_rate_limit=self._settings.requests_per_second,
            throttling_burst_limit=self._settings.burst,
            method_options={path: self._for_strangers() for path in OPEN_TO_ALL},
            access_log_destination=apigateway.LogGroupLogDestination(access_log),
            access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_LOGGED)),
        )

    def _for_strangers(self) -> apigateway.MethodDeploymentOptions:
        """What needs no write key counts towards no source's throttle: without a limit of its own
        it could use up the stage's.
        """
        limit = self._settings.without_header
        return apigateway.MethodDeploymentOptions(
            throttling_rate_limit=limit.rate,
            throttling_burst_limit=limit.burst,
            logging_level=apigateway.MethodLoggingLevel.ERROR,
            data_trace_enabled=False,
        )

    def _make_error_log(self) -> None:
        """API Gateway's own log of errors, made here first: it would be kept for ever."""
        stage = self._settings.stage
        log = logs.LogGroup(
            self,
            "ErrorLogs",
            log_group_name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{stage}",
            retention=self._settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.api.deployment_stage.node.add_dependency(log)

    def _make_authorizer(self, function: lambda_.IFunction) -> apigateway.RequestAuthorizer:
        """Its answers are not remembered here (docs/decisions/0013-the-authorizer.md): the gateway
        would ask for an identity source, and turn away every call that has its key in the body.
        """
        authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            authorizer_name="write-keys",
            handler=function,
            identity_sources=[],
            results_cache_ttl=Duration.seconds(0),
        )
        made = authorizer.node.default_child
        if not isinstance(made, apigateway.CfnAuthorizer):
            raise TypeError("a RequestAuthorizer is made of one CfnAuthorizer")
        made.add_property_deletion_override("IdentitySource")  # CDK writes none as an empty text
        return authorizer

    def _add_tracking(
        self, ingest: lambda_.IFunction, authorizer: apigateway.RequestAuthorizer
    ) -> None:
        """`/v1/track` and all its like, by one path with a parameter: ingest knows the calls.

        SDKs for browsers leave out `/v1` when they are told of a host without it.
        """
        integration = apigateway.LambdaIntegration(ingest, allow_test_invoke=False)
        for parent in (self._v1, self.api.root):
            calls = parent.add_resource("{call}")
            method = calls.add_method(
                TRACKING_METHOD, integration, authorizer=authorizer, api_key_required=True
            )
            calls.add_cors_preflight(
                allow_origins=["*"],
                allow_methods=[TRACKING_METHOD],
                allow_headers=list(SENT_HEADERS),
                max_age=PREFLIGHT_KEPT,
            )
            acknowledge(
                method,
                "AwsSolutions-COG4",
                "SDKs authenticate with a write key as the user of basic authentication, which the "
                "authorizer looks up; no SDK signs in to a user pool.",
            )

    def _add_description(self, path: Path) -> None:
        """The description is a part of the API's own configuration: no function, no bucket, and it
        changes with what it describes.
        """
        headers = {
            "Content-Type": "'application/json'",
            "Access-Control-Allow-Origin": "'*'",
            "Cache-Control": "'public, max-age=3600'",
        }
        parameters = {f"method.response.header.{name}": value for name, value in headers.items()}
        integration = apigateway.MockIntegration(
            request_templates={"application/json": '{"statusCode": 200}'},
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,  # 415; it would be a 500
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="200",
                    response_parameters=parameters,
                    response_templates={"application/json": as_template(path.read_text())},
                )
            ],
        )
        method = self._v1.add_resource("openapi.json").add_method(
            "GET",
            integration,
            method_responses=[
                apigateway.MethodResponse(
                    status_code="200", response_parameters=dict.fromkeys(parameters, True)
                )
            ],
        )
        for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
            acknowledge(
                method,
                rule,
                "It describes the API to whoever writes a client for it, and is in the repository: "
                "there is nothing to keep from anybody.",
            )

    def _add_browser_settings(self, ingest: lambda_.IFunction) -> None:
        """What the SDK for browsers loads first. A page asks without a header of its own, so there
        is no preflight.
        """
        project = self._v1.add_resource("projects").add_resource("{write_key}")
        method = project.add_resource("settings").add_method(
            "GET",
            apigateway.LambdaIntegration(ingest, allow_test_invoke=False),
            authorization_type=apigateway.AuthorizationType.NONE,
        )
        for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
            acknowledge(
                method,
                rule,
                "Browsers load it without credentials. It tells the API's own address to whoever "
                "knows a write key, which every page with the SDK shows.",
            )

    def _add_unsubscribe(self, unsubscribe: lambda_.IFunction) -> None:
        """A link in a message: looked at with GET, done with POST, by people and mail programs."""
        integration = apigateway.LambdaIntegration(unsubscribe, allow_test_invoke=False)
        link = self._v1.add_resource("unsubscribe")
        for verb in ("GET", "POST"):
            method = link.add_method(
                verb, integration, authorization_type=apigateway.AuthorizationType.NONE
            )
            for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
                acknowledge(
                    method,
                    rule,
                    "Nobody signs in to get no more messages: the link is signed with the stage's "
                    "secret, and the function refuses every other one.",
                )

    def _add_inbox(self, inbox: lambda_.IFunction) -> None:
        """For apps and pages, with a token of their backend, which the function checks itself: an
        authorizer would be one more invocation for the same check.
        """
        integration = apigateway.LambdaIntegration(inbox, allow_test_invoke=False)
        messages = self._v1.add_resource("inbox")
        mark = messages.add_resource("{id}").add_resource("{what}")
        for resource, verb in ((messages, "GET"), (mark, "POST")):
            method = resource.add_method(
                verb, integration, authorization_type=apigateway.AuthorizationType.NONE
            )
            resource.add_cors_preflight(
                allow_origins=["*"],
                allow_methods=[verb],
                allow_headers=["Authorization", "Content-Type"],
                max_age=PREFLIGHT_KEPT,
            )
            for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
                acknowledge(
                    method,
                    rule,
                    "A token that the app's own backend has signed with the stage's inbox key says "
                    "whose inbox it is; the function refuses every other one with a 401.",
                )

    def _add_refusals(self) -> None:
        """What the gateway itself refuses, a throttled call above all, is readable for a page: it
        would see a broken network otherwise. What is not the caller's fault is a 503, upon which
        SDKs send again: an authorizer that fails, and an API key that is not known everywhere yet.
        """
        types = apigateway.ResponseType
        unknown = unknown_key()
        self._refuse(types.DEFAULT_4_XX, REFUSAL)
        self._refuse(types.DEFAULT_5_XX, REFUSAL)
        self._refuse(types.UNAUTHORIZED, json.dumps(unknown.body), unknown.status)
        self._refuse(types.WAF_FILTERED, REFUSAL, 403)
        self._refuse(types.THROTTLED, _busy("throttled"), 429)
        for kind in (
            types.AUTHORIZER_FAILURE,
            types.AUTHORIZER_CONFIGURATION_ERROR,
            types.INVALID_API_KEY,
        ):
            self._refuse(kind, _busy("unavailable"), 503)

    def _refuse(self, kind: apigateway.ResponseType, body: str, status: int | None = None) -> None:
        headers = {"Access-Control-Allow-Origin": "'*'"}
        if status in {429, 503}:
            headers["Retry-After"] = f"'{AGAIN_SECONDS}'"
            headers["Access-Control-Expose-Headers"] = "'Retry-After'"
        self.api.add_gateway_response(
            kind.response_type,
            type=kind,
            status_code=str(status) if status else None,
            response_headers=headers,
            templates={"application/json": body},
        )

    def _add_firewall(self, name: str) -> None:
        if self._settings.firewall:
            Firewall(
                self,
                "Firewall",
                name=name,
                stage=self.api.deployment_stage,
                calls_per_address=self._settings.calls_per_address,
            )
        else:
            acknowledge(
                self.api.deployment_stage,
                "AwsSolutions-APIG3",
                "`firewall` of the stage's settings is off: whoever turned it off keeps strangers "
                "away by other means, or saves its price in a stage that nobody can reach.",
            )

    def _add_admin(self, admin: lambda_.IFunction) -> None:
        integration = apigateway.LambdaIntegration(admin, allow_test_invoke=False)
        root = self.api.root.add_resource("admin")
        customers, audiences = root.add_resource("customers"), root.add_resource("audiences")
        for resource, verb in (
            (customers.add_resource("{id}"), "GET"),
            (customers, "POST"),
            (audiences, "GET"),
            (audiences.add_resource("{name}"), "GET"),
        ):
            method = resource.add_method(
                verb, integration, authorization_type=apigateway.AuthorizationType.IAM
            )
            acknowledge(
                method,
                "AwsSolutions-COG4",
                "Operators are IAM principals of the account: requests are signed, without a pool.",
            )

    def _acknowledge(self) -> None:
        acknowledge(
            self.api,
            "AwsSolutions-APIG2",
            "The ingest function validates every body and answers with the field that is wrong; a "
            "model in the gateway could only say that the body is invalid.",
        )
        acknowledge_managed_policy(
            self.api,
            "AmazonAPIGatewayPushToCloudWatchLogs",
            "API Gateway writes logs with one role per account, and AWS made this policy for it.",
        )
