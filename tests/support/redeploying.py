"""Another version of a stage's journeys goes live, in the order in which stacks are deployed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.local.engine import function_arn, machine_arn
from stepwell.aws.programs import number_in
from stepwell.journeys.compiler.bundle import Bundle, write_bundle
from tests.support.aws_faults import forget
from tests.support.stage import PREFIX, Stage
from tests.support.stage_parts import put_machine_versions


def deploy_journeys(stage: Stage, project: Path) -> Bundle:
    """First the journeys' stack: programs and catalog are added, machines get their definitions,
    and those are published.

    Routers do not know of it yet.
    """
    client, s3 = stage.engine.client("stepfunctions"), stage.engine.client("s3")
    with TemporaryDirectory() as folder:
        bundle = write_bundle(project / "statemachines", Path(folder))
        for path in Path(folder).rglob("*.json"):
            key = path.relative_to(folder).as_posix()
            s3.put_object(Bucket=f"{PREFIX}programs", Key=key, Body=path.read_bytes())
    published = {
        journey: client.update_state_machine(
            stateMachineArn=machine_arn(PREFIX + journey), definition=_filled(machine), publish=True
        )["stateMachineVersionArn"]
        for journey, machine in bundle.machines.items()
    }
    put_machine_versions(s3, bundle, {each: number_in(arn) for each, arn in published.items()})
    return bundle


def deploy_engine(stage: Stage, bundle: Bundle) -> None:
    """Then the engine's: new processes read the new catalog. The stage's end takes it back."""
    os.environ["CATALOG_KEY"] = bundle.catalog_key
    os.environ["MACHINE_VERSIONS_KEY"] = bundle.machine_versions_key
    os.environ["POLICIES_KEY"] = bundle.policies_key
    forget(stage.engine.functions.handler(f"{PREFIX}router"))


def _filled(machine: dict[str, Any]) -> str:
    text = json.dumps(machine)
    names = {
        "CustomersTable": f"{PREFIX}customers",
        "RecordsTable": f"{PREFIX}records",
        "PlanFunctionArn": function_arn(f"{PREFIX}plan"),
        "SendMessageArn": machine_arn(f"{PREFIX}send_message"),
    }
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    return text
