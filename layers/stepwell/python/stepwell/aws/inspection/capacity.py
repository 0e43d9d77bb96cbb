"""The account's quotas, and what the stage asks of them."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from stepwell.aws.inspection.asking import ask, find, is_missing, pages
from stepwell.aws.inspection.scene import Scene
from stepwell.readiness import capacity
from stepwell.readiness.findings import Finding

_STARTS = "startexecution throttle token refill rate per second"
_OPEN = "open executions"


def look_at_concurrency(scene: Scene) -> Finding:
    functions = scene.client("lambda")
    found = ask(functions.get_account_settings)["AccountLimit"]
    workers = {}
    for name in ("router", "commands"):
        mappings = pages(
            functions,
            "list_event_source_mappings",
            "EventSourceMappings",
            FunctionName=scene.place.named(name),
        )
        workers[name] = sum(
            each.get("ScalingConfig", {}).get("MaximumConcurrency", 0) for each in mappings
        )
    limits = capacity.Concurrency(
        found["ConcurrentExecutions"], found["UnreservedConcurrentExecutions"]
    )
    return capacity.check_concurrency(limits, workers)


def look_at_executions(scene: Scene) -> Finding:
    return capacity.check_executions(_quota(scene, _OPEN))


def look_at_starts(scene: Scene) -> Finding:
    return capacity.check_starts(_quota(scene, _STARTS))


def _quota(scene: Scene, words: str) -> float | None:
    """Step Functions' quota with these words in its name, which has no documented code.

    An account that never asked for another value may only have the default listed.
    """
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for name, value in _listed(scene, operation):
            if words in name.lower():
                return value
    return None


def _listed(scene: Scene, operation: str) -> Iterator[tuple[str, float]]:
    """Quotas by name; none where Service Quotas does not know Step Functions."""
    try:
        quotas = scene.client("service-quotas")
        for each in pages(quotas, operation, "Quotas", ServiceCode="states"):
            yield each["QuotaName"], float(each["Value"])
    except ClientError as error:
        if not is_missing(error):
            raise


def look_at_api(scene: Scene) -> Finding:
    gateway, name = scene.client("apigateway"), scene.place.named("api")
    apis = pages(gateway, "get_rest_apis", "items")
    api = next((each["id"] for each in apis if each["name"] == name), None)
    found = find(gateway.get_stage, restApiId=api, stageName=scene.place.stage) if api else None
    account = ask(gateway.get_account).get("throttleSettings", {})
    settings = found.get("methodSettings", {}).get("*/*", {}) if found else {}
    stage = None if found is None else settings.get("throttlingRateLimit", 0.0)
    return capacity.check_api(account.get("rateLimit", 0.0), stage)
