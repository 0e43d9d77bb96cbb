"""The doctor's rules on push, WhatsApp, quotas and the deployment, each from both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stepwell.messages.services import Service
from stepwell.readiness import capacity, deployment, pace, push
from stepwell.readiness.capacity import Concurrency
from stepwell.readiness.deployment import NAMES, Place, Subscription
from stepwell.readiness.findings import Level, is_ready, ok, problem, unknown, warning
from stepwell.readiness.push import Channel, Platform
from stepwell.readiness.setup import Setup, read_setup
from tests.support.findings import Case, check_case

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
APP = "arn:aws:sns:eu-west-1:123456789012:app/APNS/shop"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:stepwell-prod-alarms"
WORKERS = {"router": 50, "commands": 5}
PLACE = Place("prod", "eu-west-1")
DONE = {f"stepwell-prod-{name}": "UPDATE_COMPLETE" for name in NAMES}
APNS, GCM = Channel("APNS", True, True), Channel("GCM", True, True)

PUSH = {
    "nothing set": Case(push.check_nothing_set("push_application_arn"), Level.WARNING, "_arn"),
    "platform enabled": Case(push.check_platform(APP, Platform(True), NOW), Level.OK, "shop"),
    "platform not there": Case(
        push.check_platform(APP, None, NOW), Level.PROBLEM, "no application shop"
    ),
    "platform off": Case(
        push.check_platform(APP, Platform(False), NOW),
        Level.PROBLEM,
        "aws sns set-platform-application-attributes",
    ),
    "certificate for a long time": Case(
        push.check_platform(APP, Platform(True, NOW + timedelta(days=31)), NOW), Level.OK, "shop"
    ),
    "certificate that ends soon": Case(
        push.check_platform(APP, Platform(True, NOW + timedelta(days=30)), NOW),
        Level.WARNING,
        "expires on 2026-12-24",
    ),
    "certificate that has ended": Case(
        push.check_platform(APP, Platform(True, NOW), NOW), Level.PROBLEM, "expired on 2026-11-24"
    ),
    "channels on": Case(push.check_channels("a1", [APNS, GCM]), Level.OK, "APNS, GCM"),
    "one channel set up": Case(push.check_channels("a1", [GCM]), Level.OK, "GCM of"),
    "one channel without credentials": Case(
        push.check_channels("a1", [APNS, Channel("GCM", True, False)]), Level.WARNING, "GCM of"
    ),
    "channels off": Case(
        push.check_channels("a1", [Channel("APNS", False, True)]), Level.PROBLEM, "neither"
    ),
    "no channel": Case(push.check_channels("a1", []), Level.PROBLEM, "neither"),
    "no application": Case(push.check_channels("a1", None), Level.PROBLEM, "push_application_id"),
    "WhatsApp linked": Case(push.check_whatsapp("n1", "GREEN"), Level.OK, "GREEN"),
    "WhatsApp not rated": Case(push.check_whatsapp("n1", ""), Level.OK, "not rated yet"),
    "WhatsApp rated low": Case(push.check_whatsapp("n1", "Red"), Level.WARNING, "low"),
    "WhatsApp not linked": Case(push.check_whatsapp("n1", None), Level.PROBLEM, "not linked"),
}
CAPACITY = {
    "functions enough": Case(
        capacity.check_concurrency(Concurrency(1000, 1000), WORKERS), Level.OK, "1,000"
    ),
    "functions just enough": Case(
        capacity.check_concurrency(Concurrency(110, 110), WORKERS), Level.OK, "110"
    ),
    "functions few": Case(
        capacity.check_concurrency(Concurrency(1000, 109), WORKERS),
        Level.WARNING,
        "--quota-code L-B99A9384 --desired-value 1000",
    ),
    "functions of a new account": Case(
        capacity.check_concurrency(Concurrency(10, 10), WORKERS),
        Level.PROBLEM,
        "5 of commands and 50 of router",
    ),
    "functions as many as the queues take": Case(
        capacity.check_concurrency(Concurrency(55, 55), WORKERS), Level.PROBLEM, "turned away"
    ),
    "functions, more than the default asked for": Case(
        capacity.check_concurrency(Concurrency(1000, 1000), {"router": 1000}),
        Level.PROBLEM,
        "--desired-value 2000",
    ),
    "executions as AWS gives": Case(
        capacity.check_executions(1_000_000.0), Level.OK, "1,000,000 customers"
    ),
    "executions fewer": Case(capacity.check_executions(999_999), Level.WARNING, "Step Functions"),
    "executions not listed": Case(capacity.check_executions(None), Level.WARNING, "1,000,000"),
    "starts enough": Case(capacity.check_starts(150), Level.OK, "150 journeys"),
    "starts few": Case(capacity.check_starts(149), Level.WARNING, "waits in a queue"),
    "starts not listed": Case(capacity.check_starts(None), Level.WARNING, "StartExecution"),
    "API as much as the stage": Case(capacity.check_api(2000, 2000), Level.OK, "2,000"),
    "API less than the stage": Case(
        capacity.check_api(1999, 2000), Level.PROBLEM, "API Gateway, Throttle rate"
    ),
    "API without the stage": Case(capacity.check_api(10_000, None), Level.PROBLEM, "deploy"),
}
DEPLOYMENT = {
    "stacks deployed": Case(deployment.check_stacks(PLACE, DONE), Level.OK, "in eu-west-1"),
    "stacks not all there": Case(
        deployment.check_stacks(PLACE, {"stepwell-prod-data": "CREATE_COMPLETE"}),
        Level.PROBLEM,
        "stepwell-prod-journeys, stepwell-prod-engine not found in eu-west-1",
    ),
    "stacks under way": Case(
        deployment.check_stacks(PLACE, DONE | {"stepwell-prod-engine": "UPDATE_IN_PROGRESS"}),
        Level.WARNING,
        "under way",
    ),
    "stacks under way, and one that failed": Case(
        deployment.check_stacks(
            PLACE,
            DONE
            | {
                "stepwell-prod-engine": "UPDATE_IN_PROGRESS",
                "stepwell-prod-data": "UPDATE_FAILED",
            },
        ),
        Level.PROBLEM,
        "data is UPDATE_FAILED",
    ),
    "stacks rolled back": Case(
        deployment.check_stacks(PLACE, DONE | {"stepwell-prod-engine": "UPDATE_ROLLBACK_COMPLETE"}),
        Level.PROBLEM,
        "engine is UPDATE_ROLLBACK_COMPLETE",
    ),
    "stacks rolling back": Case(
        deployment.check_stacks(
            PLACE, DONE | {"stepwell-prod-engine": "UPDATE_ROLLBACK_IN_PROGRESS"}
        ),
        Level.PROBLEM,
        "CloudFormation",
    ),
    "alarms told": Case(
        deployment.check_alarms(TOPIC, [Subscription("ops@shop.test", True)]), Level.OK, "ops@"
    ),
    "alarms not confirmed": Case(
        deployment.check_alarms(
            TOPIC, [Subscription("ops@shop.test", False), Subscription("b@shop.test", True)]
        ),
        Level.PROBLEM,
        f"aws sns subscribe --topic-arn {TOPIC}",
    ),
    "alarms to nobody": Case(deployment.check_alarms(TOPIC, []), Level.WARNING, "alarm_email"),
    "alarms without a topic": Case(deployment.check_alarms(TOPIC, None), Level.PROBLEM, "deploy"),
    "write keys": Case(
        deployment.check_write_keys("prod", ["web", "shop", "web"]), Level.OK, "shop, web"
    ),
    "no write key": Case(
        deployment.check_write_keys("prod", []), Level.PROBLEM, "add shop --stage prod"
    ),
    "secret": Case(deployment.check_secret("s", exists=True, deleted=False), Level.OK, "s is"),
    "no secret": Case(
        deployment.check_secret("s", exists=False, deleted=False), Level.PROBLEM, "data stack"
    ),
    "secret that goes": Case(
        deployment.check_secret("s", exists=True, deleted=True),
        Level.PROBLEM,
        "aws secretsmanager restore-secret --secret-id s",
    ),
}
PACE = {
    "lane as fast as AWS": Case(pace.check_pace("x", 14, 14.0), Level.OK, "AWS takes 14"),
    "lane slower than AWS": Case(pace.check_pace("x", 0.5, 14), Level.OK, "0.5 a second"),
    "lane faster than AWS": Case(pace.check_pace("x", 14, 1), Level.WARNING, "to 1 a second"),
    "no lane": Case(pace.check_pace("x", None, 14), Level.WARNING, "nothing paces it"),
    "lane, and AWS does not tell": Case(pace.check_pace("x", 3, None), Level.OK, "3 a second"),
    "neither": Case(pace.check_pace("x", None, None), Level.OK, "nothing paces it;"),
}
CASES = {**PACE, **PUSH, **CAPACITY, **DEPLOYMENT}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rule(case: Case) -> None:
    check_case(case)


def test_ready_is_what_has_no_problem_and_could_be_looked_at() -> None:
    fine = [ok("a", "x"), warning("b", "x", "y")]
    assert is_ready(fine)
    assert not is_ready([*fine, problem("c", "x", "y")])
    assert not is_ready([*fine, unknown("c", "x")])


def test_setup_of_an_older_deployment_sends_by_sns() -> None:
    setup = read_setup({"EMAIL_FROM": "news@shop.test", "SMS_PROVIDER": "", "OTHER": "x"})
    assert setup == Setup(email_from="news@shop.test")
    assert setup.postal_address is None
    assert read_setup({"POSTAL_ADDRESS": ""}).postal_address == ""
    assert setup.sms_provider == setup.push_provider == Service.SNS


def test_setup_is_read_by_the_variables_names() -> None:
    names = [each.upper() for each in Setup.__dataclass_fields__ if each != "paces"]
    lanes = {"LANES": '{"sms": {"name": "sms", "per_second": 1, "kept": 0.2}}'}
    setup = read_setup({**{name: name.lower() for name in names}, **lanes})
    assert all(getattr(setup, name.lower()) == name.lower() for name in names)
    assert setup.paces == {"sms": 1.0}
