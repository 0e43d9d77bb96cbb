"""What was deployed, and what somebody has to do after a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepwell.readiness.findings import Finding, ok, problem, warning

STACKS = "stacks"
ALARMS = "alarm emails"
WRITE_KEYS = "write keys"
SECRET = "hashing secret"  # noqa: S105 - what is looked at
NAMES = ("data", "journeys", "engine")
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Place:
    stage: str
    region: str

    @property
    def deploy(self) -> str:
        return f"STAGE={self.stage} npx cdk deploy --all"

    def named(self, name: str) -> str:
        return f"stepwell-{self.stage}-{name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    address: str
    confirmed: bool


def check_stacks(place: Place, statuses: Mapping[str, str]) -> Finding:
    """`statuses` by the stack's name, of those that there are in the Region."""
    expected = [place.named(name) for name in NAMES]
    missing = [name for name in expected if name not in statuses]
    if missing:
        means = f"{', '.join(missing)} not found in {place.region}: not deployed, or elsewhere"
        return problem(STACKS, means, f"{place.deploy}, or name its Region in AWS_REGION")
    bad = {name: statuses[name] for name in expected if statuses[name] not in _DONE}
    if not bad:
        return ok(STACKS, f"{', '.join(NAMES)} are deployed in {place.region}")
    shown = ", ".join(f"{name} is {status}" for name, status in bad.items())
    if all(_under_way(status) for status in bad.values()):
        return warning(STACKS, f"a deployment is under way: {shown}", "wait, then look again")
    return problem(STACKS, shown, f"console: CloudFormation, Events; then {place.deploy}")


def _under_way(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and "ROLLBACK" not in status and "DELETE" not in status


def check_alarms(topic: str, subscriptions: Sequence[Subscription] | None) -> Finding:
    """`subscriptions` is None when there is no topic."""
    if subscriptions is None:
        means = "there is no topic for alarms: the engine stack is not whole"
        return problem(ALARMS, means, "deploy again: npx cdk deploy --all")
    waiting = [each.address for each in subscriptions if not each.confirmed]
    if waiting:
        means = f"{', '.join(waiting)} has not confirmed: no alarm reaches them"
        again = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint"
        return problem(
            ALARMS, means, f"follow the link in AWS's email; again: {again} {waiting[0]}"
        )
    if not subscriptions:
        means = "nobody is told of alarms; they are only shown in the console"
        return warning(ALARMS, means, "set alarm_email in infra/settings.py and deploy")
    return ok(ALARMS, f"{', '.join(each.address for each in subscriptions)} are told")


def check_write_keys(stage: str, sources: Sequence[str]) -> Finding:
    """`sources`: those that have a live key."""
    if sources:
        return ok(WRITE_KEYS, f"events may come from {', '.join(sorted(set(sources)))}")
    add = f".venv/bin/stepwell write-keys add shop --stage {stage}"
    return problem(WRITE_KEYS, "no source has a live key: every event is refused", add)


def check_secret(name: str, *, exists: bool, deleted: bool) -> Finding:
    if not exists:
        means = f"there is no secret {name}: the router fails on every event"
        return problem(SECRET, means, "deploy the data stack: npx cdk deploy --all")
    if deleted:
        means = f"{name} will be deleted: without it no customer is found again"
        return problem(SECRET, means, f"aws secretsmanager restore-secret --secret-id {name}")
    return ok(SECRET, f"{name} is there")
