"""What a `tests.support.stage.Stage` is made of: folders of functions, compiled journeys, ARNs."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.local.account import ACCOUNT, REGION
from infra.local.engine import function_arn, machine_arn
from stepwell.handover.destinations import targets_of
from stepwell.journeys.compiler.bundle import Bundle, write_bundle
from stepwell.storage.operations import Item

ROOT = Path(__file__).parents[2]
STATEMACHINES = ROOT / "statemachines"
PREFIX = "stepwell-local-"
INBOX_KEY = "an inbox key of tests, thirty-two bytes or more"
WEBHOOK_KEY = "a webhook key of tests"
FUNCTIONS = (
    "authorizer",
    "ingest",
    "router",
    "commands",
    "plan",
    "consent",
    "frequency_cap",
    "delivery",
    "feedback",
    "admin",
    "hand_over",
    "unsubscribe",
    "inbox",
    "quarantine_watch",
    "sweep",
)
_QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}"
PLACEHOLDERS = {
    "CustomersTable": f"{PREFIX}customers",
    "RecordsTable": f"{PREFIX}records",
    "PlanFunctionArn": function_arn(f"{PREFIX}plan"),
    "HandOverFunctionArn": function_arn(f"{PREFIX}hand-over"),
    "SendMessageArn": machine_arn(f"{PREFIX}send_message"),
    "ScheduleGroup": f"{PREFIX}parked",
    "SchedulerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}alarms",
    "CommandsQueueArn": f"{_QUEUES}commands",
    "CommandsDeadLettersArn": f"{_QUEUES}commands-dlq",
}
_TELLING = {
    "event_bus": "events:PutEvents",
    "connect_task": "connect:StartTaskContact",
    "webhook": "secretsmanager:GetSecretValue",
}
"""What `infra.functions.destinations` allows; `tests/infrastructure` holds it to that."""


def told_by(destinations: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str]]:
    """The actions that a project's destinations give to the hand-over function."""
    return {(_TELLING[target["kind"]], "") for _, target in targets_of(destinations, "local")}


def functions() -> dict[str, Path]:
    """The folder of each Lambda function."""
    return {path.parent.name: path.parent for path in sorted(ROOT.glob("functions/*/handler.py"))}


@functools.cache
def bundle_folder() -> tuple[TemporaryDirectory[str], Bundle]:
    """The compiled journeys, once a test process."""
    return made_bundle(STATEMACHINES)


def put_machine_versions(s3: Any, bundle: Bundle, numbers: Mapping[str, int]) -> None:
    """Say which version of its machine each journey is, as its deployment does."""
    arns = {journey: f"{machine_arn(PREFIX + journey)}:{each}" for journey, each in numbers.items()}
    body = json.dumps(arns).encode()
    s3.put_object(Bucket=f"{PREFIX}programs", Key=bundle.machine_versions_key, Body=body)


def create_secrets(manager: Any) -> dict[str, str]:
    """The ARN of each."""
    texts = {"hash": "a secret of tests", "inbox-key": INBOX_KEY, "webhook-key": WEBHOOK_KEY}
    return {
        name: manager.create_secret(Name=f"{PREFIX}{name}", SecretString=text)["ARN"]
        for name, text in texts.items()
    }


def with_time_limits(machine: str, seconds: Mapping[int, int]) -> str:
    """A definition with other seconds where these are its limits."""
    for shipped, other in seconds.items():
        limit = f'"TimeoutSeconds": {shipped},'
        assert limit in machine
        machine = machine.replace(limit, f'"TimeoutSeconds": {other},')
    return machine


def journey_machines(project: Path | None, bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Journeys with their definitions: the committed ones, or those of another project."""
    if project:
        for journey, machine in bundle.machines.items():
            yield journey, json.dumps(machine)
        return
    for path in STATEMACHINES.glob("journeys/*/journey.asl.json"):
        yield path.parent.name, path.read_text()


def made_bundle(statemachines: Path) -> tuple[TemporaryDirectory[str], Bundle]:
    folder = TemporaryDirectory()
    return folder, write_bundle(statemachines, Path(folder.name))


def outcome_of(decision: Item) -> str:
    outcome = str(decision["outcome"])
    return outcome if outcome == "sent" else f"{outcome}: {decision['reason']}"
