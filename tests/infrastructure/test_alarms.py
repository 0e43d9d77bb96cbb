"""The alarms: what they watch, where they ring, and that each leads to a page that helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from infra.constructs.engine_alarms import MOST_METRICS
from infra.layers import ROOT
from stepwell.aws.execution_events import DETAIL_TYPE
from tests.infrastructure.synthesized import Synthesized, short

PREFIX = "stepwell-local-"
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ["It means", "Look", "Do", "It is over when"]


def alarms(synthesized: Synthesized) -> dict[str, Mapping[str, Any]]:
    """By their name after the stage."""
    found = synthesized.properties("AWS::CloudWatch::Alarm")
    return {each["AlarmName"].removeprefix(PREFIX): each for each in found}


def metrics(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What it looks at; those inside of its expression."""
    if "MetricName" in alarm:
        return [alarm]
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]


def dimensions(metric: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: short(each["Value"]) for each in metric.get("Dimensions", ())}


def page_of(alarm: Mapping[str, Any]) -> Path:
    found = re.search(r"What to do: (docs/runbooks/[a-z-]+\.md)$", alarm["AlarmDescription"])
    assert found, alarm["AlarmDescription"]
    return ROOT / found[1]


# ------------------------------------------------------------------------------------- pages


def test_alarms_are_these(synthesized: Synthesized) -> None:
    parts = {name for name in alarms(synthesized) if re.fullmatch(r"function-errors-\d", name)}
    assert alarms(synthesized).keys() - parts == {
        *("events-dlq", "events-age", "commands-dlq", "commands-age"),
        *("feedback-dlq", "feedback-age"),
        *("quarantine-age", "quarantine-watch-errors"),
        *("function-errors", "function-throttles"),
        *("journeys-failed", "overdue-holds", "executions-throttled", "open-executions"),
        *("sending-failed", "hand-overs-given-up", "api-errors", "sweep-late"),
        "sweep-failing",
    }


def test_alarms_each_lead_to_a_page_about_them(synthesized: Synthesized) -> None:
    for name, alarm in alarms(synthesized).items():
        text = page_of(alarm).read_text()
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS, name
        assert f"`{name}`" in text.partition("## It means")[0]
        parts = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
        assert all(len(part.split()) >= 6 for part in parts), name


def test_alarms_and_pages_are_all_in_the_list(synthesized: Synthesized) -> None:
    index = (RUNBOOKS / "README.md").read_text()
    for name, alarm in alarms(synthesized).items():
        rows = [line for line in index.splitlines() if line.startswith("| `")]
        [row] = [line for line in rows if f"`{name}`" in line]
        assert f"({page_of(alarm).name})" in row
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {page_of(alarm).name for alarm in alarms(synthesized).values()}


def test_alarms_tell_the_topic_and_are_quiet_where_nothing_runs(synthesized: Synthesized) -> None:
    for name, alarm in alarms(synthesized).items():
        assert len(alarm["AlarmActions"]) == 1
        expected = "ignore" if name == "quarantine-age" else "notBreaching"
        assert alarm["TreatMissingData"] == expected
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["Threshold"] >= 1
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]


# ----------------------------------------------------------------------------- what they watch


def test_alarms_watch_the_errors_of_every_function(synthesized: Synthesized) -> None:
    names = {
        logical_id: resource["Properties"]["FunctionName"]
        for logical_id, resource in synthesized.of_type("AWS::Lambda::Function", "engine")
    }
    watched = [
        names[metric["Dimensions"][0]["Value"]["Ref"]]
        for name, alarm in alarms(synthesized).items()
        for metric in metrics(alarm)
        if name != "sweep-failing"  # one of its own besides: it runs too rarely for the common one
        and (metric["Namespace"], metric["MetricName"]) == ("AWS/Lambda", "Errors")
    ]
    assert sorted(watched) == sorted(names.values())


def test_alarms_with_an_expression_have_no_more_metrics_than_cloudwatch_takes(
    synthesized: Synthesized,
) -> None:
    sums = [each for each in alarms(synthesized).values() if "Metrics" in each]
    assert sums
    for alarm in sums:
        assert len(metrics(alarm)) <= MOST_METRICS
        [shown] = [each for each in alarm["Metrics"] if each["ReturnData"]]
        assert shown["Expression"] in {"SUM(METRICS())", "100 * open / quota"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("function-throttles", {("AWS/Lambda", "Throttles"): {}}),
        (
            "executions-throttled",
            {("AWS/States", "ThrottledEvents"): {"ServiceMetric": "StateTransition"}},
        ),
        (
            "open-executions",
            {
                ("AWS/States", "OpenExecutionCount"): {},
                ("AWS/States", "OpenExecutionLimit"): {},
            },
        ),
        (
            "sending-failed",
            {
                ("AWS/States", "ExecutionsFailed"): {"StateMachineArn": "Sendingsendmessage.Arn"},
                ("AWS/States", "ExecutionsTimedOut"): {"StateMachineArn": "Sendingsendmessage.Arn"},
            },
        ),
        ("overdue-holds", {("Stepwell/local", "OverdueHolds"): {}}),
        ("hand-overs-given-up", {("Stepwell/local", "GivenUpHandOvers"): {}}),
        (
            "api-errors",
            {("AWS/ApiGateway", "5XXError"): {"ApiName": "stepwell-local-api", "Stage": "local"}},
        ),
        (
            "journeys-failed",
            {("AWS/Events", "TriggeredRules"): {"RuleName": "EndedExecutionsRule"}},
        ),
    ],
)
def test_alarms_watch_these_metrics(
    synthesized: Synthesized, name: str, expected: Mapping[tuple[str, str], Mapping[str, str]]
) -> None:
    found = {
        (metric["Namespace"], metric["MetricName"]): dimensions(metric)
        for metric in metrics(alarms(synthesized)[name])
    }
    assert found == expected


def test_alarms_of_the_api_name_it(synthesized: Synthesized) -> None:
    """CloudWatch knows an API by its name: another one would have no numbers."""
    [api] = synthesized.properties("AWS::ApiGateway::RestApi")
    [stage] = synthesized.properties("AWS::ApiGateway::Stage")
    [metric] = metrics(alarms(synthesized)["api-errors"])
    assert dimensions(metric) == {"ApiName": api["Name"], "Stage": stage["StageName"]}


def test_alarms_find_what_functions_say_in_their_logs(synthesized: Synthesized) -> None:
    found = {}
    for each in synthesized.properties("AWS::Logs::MetricFilter"):
        [told] = each["MetricTransformations"]
        assert told["MetricNamespace"] == "Stepwell/local"
        assert "DefaultValue" not in told  # else the metric would cost in hours without any
        found[told["MetricName"]] = short(each["LogGroupName"]), each["FilterPattern"]
    assert found == {
        "OverdueHolds": ("RouterLogs", '{ $.problem = "*past its time" }'),
        "GivenUpHandOvers": ("HandOverLogs", '{ $.problem = "nobody was asked" }'),
        "SweepLateSeconds": ("SweepLogs", '{ $.message = "sweep behind" }'),
    }


# ------------------------------------------------------------- executions that ended by themselves

MACHINES = "arn:aws:states:us-east-1:123456789012:stateMachine:"


def rule(synthesized: Synthesized) -> Mapping[str, Any]:
    [found] = [
        each
        for each in synthesized.properties("AWS::Events::Rule")
        if "ended-executions" in each["Name"]
    ]
    return found


def matches(synthesized: Synthesized, **detail: Any) -> bool:
    """Whether an event about an execution comes to the queue, by moto's reading of the pattern."""
    pattern = {**rule(synthesized)["EventPattern"]}
    prefix = short(pattern["detail"]["stateMachineArn"][0]["prefix"])
    here = {"Partition": "aws", "Region": "us-east-1", "AccountId": "123456789012"}
    for name, value in here.items():
        prefix = prefix.replace(f"<AWS::{name}>", value)
    pattern["detail"] = {**pattern["detail"], "stateMachineArn": [{"prefix": prefix}]}
    event: Any = {
        "source": "aws.states",
        "detail-type": DETAIL_TYPE,
        "detail": {"stateMachineArn": f"{MACHINES}{PREFIX}onboarding", **detail},
    }
    return bool(EventPattern(None, pattern).matches_event(event))


@pytest.mark.parametrize(
    "detail",
    [
        {"status": "FAILED", "error": "States.Runtime"},
        {"status": "TIMED_OUT", "error": "States.Timeout"},
        {"status": "ABORTED", "error": None},
        {"status": "ABORTED"},
        {"status": "ABORTED", "error": "mistake"},
        {"status": "FAILED", "stateMachineArn": f"{MACHINES}{PREFIX}onboarding:12"},
    ],
)
def test_ended_executions_that_nobody_expected_come_to_the_queue(
    synthesized: Synthesized, detail: Mapping[str, Any]
) -> None:
    assert matches(synthesized, **detail)


@pytest.mark.parametrize(
    "detail",
    [
        {"status": "ABORTED", "error": "Exited"},
        {"status": "SUCCEEDED", "error": None},
        {"status": "RUNNING"},
        {"status": "FAILED", "stateMachineArn": f"{MACHINES}stepwell-prod-onboarding"},
        {"status": "FAILED", "stateMachineArn": f"{MACHINES}invoices"},
    ],
)
def test_ended_executions_that_were_meant_to_end_do_not(
    synthesized: Synthesized, detail: Mapping[str, Any]
) -> None:
    assert not matches(synthesized, **detail)


def test_ended_executions_go_into_the_commands_queue(synthesized: Synthesized) -> None:
    [target] = rule(synthesized)["Targets"]
    assert short(target["Arn"]) == "CommandsQueue.Arn"
    assert "InputPath" not in target  # the function reads the whole event
    assert "InputTransformer" not in target
    [policy] = [
        each
        for each in synthesized.properties("AWS::SQS::QueuePolicy")
        if [short(queue) for queue in each["Queues"]] == ["CommandsQueue"]
    ]
    [allowed] = [
        each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"
    ]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    source = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert short(source) == "EndedExecutionsRule.Arn"


def test_ended_executions_pattern_has_nothing_that_cloudformation_refuses(
    synthesized: Synthesized,
) -> None:
    """It takes no null in a template, and EventBridge no empty list."""

    def values(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [each for member in value.values() for each in values(member)]
        if isinstance(value, list):
            return [each for member in value for each in values(member)] or [None]
        return [value]

    assert None not in values(rule(synthesized)["EventPattern"])
