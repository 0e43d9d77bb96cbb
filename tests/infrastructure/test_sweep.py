"""The index of who is due, the schedule that asks it, and what says that it is late."""

from __future__ import annotations

import dataclasses
import re

import pytest

from infra.settings import STAGES, Settings, SettingsError
from stepwell.profile.living import SWEPT_EVERY
from tests.infrastructure.synthesized import Synthesized, short


def test_sweep_has_an_index_of_keys_by_moment(synthesized: Synthesized) -> None:
    [index] = [
        each
        for table in synthesized.properties("AWS::DynamoDB::Table")
        for each in table.get("GlobalSecondaryIndexes", ())
    ]
    assert index["IndexName"] == "due"
    keys = {each["AttributeName"]: each["KeyType"] for each in index["KeySchema"]}
    assert keys == {"due_shard": "HASH", "due_at": "RANGE"}
    # Nothing else is copied: a profile that changes and keeps its moment writes it once.
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_sweep_runs_on_the_minutes_that_moments_are_rounded_up_to(
    synthesized: Synthesized,
) -> None:
    [rule] = [
        each
        for each in synthesized.properties("AWS::Events::Rule")
        if each["Name"] == "stepwell-local-sweep"
    ]
    found = re.fullmatch(r"cron\(0/(\d+) \* \* \* \? \*\)", rule["ScheduleExpression"])
    assert found
    assert int(found[1]) * 60 == SWEPT_EVERY.total_seconds()
    assert rule["State"] == "ENABLED"
    [target] = rule["Targets"]
    assert short(target["Arn"]) == "SweepFunction.Arn"
    [allowed] = [
        each
        for each in synthesized.properties("AWS::Lambda::Permission")
        if short(each["FunctionName"]) == "SweepFunction.Arn"
    ]
    assert allowed["Principal"] == "events.amazonaws.com"


def test_sweep_ends_before_the_next_one_begins(synthesized: Synthesized) -> None:
    assert synthesized.functions()["sweep"]["Timeout"] < SWEPT_EVERY.total_seconds()


def test_sweep_that_is_late_rings(synthesized: Synthesized) -> None:
    [found] = [
        each
        for each in synthesized.properties("AWS::Logs::MetricFilter")
        if short(each["LogGroupName"]) == "SweepLogs"
    ]
    assert found["FilterPattern"] == '{ $.message = "sweep behind" }'
    [told] = found["MetricTransformations"]
    assert told["MetricValue"] == "$.late_seconds"
    assert "DefaultValue" not in told  # else the metric would cost in hours without any
    [alarm] = [
        each
        for each in synthesized.properties("AWS::CloudWatch::Alarm")
        if each["AlarmName"] == "stepwell-local-sweep-late"
    ]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        told["MetricNamespace"],
        told["MetricName"],
    )
    assert alarm["Threshold"] == 3600


def test_sweep_that_fails_each_time_rings(synthesized: Synthesized) -> None:
    """Once in five minutes: the alarm on all functions waits for five errors in such a time."""
    [alarm] = [
        each
        for each in synthesized.properties("AWS::CloudWatch::Alarm")
        if each["AlarmName"] == "stepwell-local-sweep-failing"
    ]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert [short(each["Value"]) for each in alarm["Dimensions"]] == ["SweepFunction"]
    assert (alarm["Period"], alarm["Threshold"]) == (SWEPT_EVERY.total_seconds(), 1)
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (3, 3)


@pytest.mark.parametrize("at_most", [0, 100_001])
def test_sweep_that_takes_nobody_or_too_long_is_refused(at_most: int) -> None:
    some: Settings = next(iter(STAGES.values()))
    with pytest.raises(SettingsError, match="sweep_at_most"):
        dataclasses.replace(some, sweep_at_most=at_most)
