"""The stage that is looked at, as its delivery function knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepwell.aws.inspection.asking import find
from stepwell.readiness.deployment import Place
from stepwell.readiness.setup import Setup, read_setup

Clients = Callable[[str], Any]
"""A boto3 client by the service's name."""


class NoStageError(Exception):
    """There is nothing to look at; the message says where it was looked for."""


@dataclass(frozen=True, slots=True)
class Scene:
    client: Clients
    place: Place
    account: str
    setup: Setup
    customers: str
    """The customers table."""
    now: datetime


def find_scene(stage: str, client: Clients, now: datetime) -> Scene:
    """Raises NoStageError, DeniedError, and what botocore raises, no credentials above all."""
    functions = client("lambda")
    region = functions.meta.region_name
    found = find(functions.get_function_configuration, FunctionName=f"stepwell-{stage}-delivery")
    if found is None:
        raise NoStageError(
            f"there is no stage {stage} in {region}: deploy it with `STAGE={stage} npx cdk deploy "
            "--all`, or name its Region in AWS_DEFAULT_REGION and its account in AWS_PROFILE"
        )
    environment = found.get("Environment", {}).get("Variables", {})
    return Scene(
        client,
        Place(stage, region),
        found["FunctionArn"].split(":")[4],
        read_setup(environment),
        environment.get("CUSTOMERS_TABLE", f"stepwell-{stage}-customers"),
        now,
    )
