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
    found = ask(scene.client("lambda").get_account_settings)["AccountLimit"]
    limits = capacity.Concurrency(
        found["ConcurrentExecutions"], found["UnreservedConcurrentExecutions"]
    )
    return capacity.check_concurrency(limits, _workers(scene))


def _workers(scene: Scene) -> dict[str, int]:
    """How many of each of the stage's functions its queue may start."""
    workers: dict[str, int] = {}
    mappings = pages(scene.client("lambda"), "list_event_source_mappings", "EventSourceMappings")
    for each in mappings:
        name = each["FunctionArn"].split(":")[6]
        if name.startswith(scene.place.named("")):
            word = name.removeprefix(scene.place.named(""))
            most = each.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
            workers[word] = workers.get(word, 0) + most
    return workers


def look_at_executions(scene: Scene) -> Finding:
    return capacity.check_executions(_quota(scene, _OPEN))


def look_at_starts(scene: Scene) -> Finding:
    return capacity.check_starts(_quota(scene, _STARTS))


def _quota(scene: Scene, words: str) -> float | None:
    """Step Functions' quota with these words in its name.

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
