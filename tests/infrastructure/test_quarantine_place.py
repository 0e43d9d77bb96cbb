"""The quarantine's bucket, and what says that nobody looks at it."""

from __future__ import annotations

from tests.infrastructure.synthesized import Synthesized, short


def test_quarantine_is_encrypted_with_the_key_and_forgets(synthesized: Synthesized) -> None:
    [bucket] = [
        each
        for each in synthesized.properties("AWS::S3::Bucket")
        if short(each["BucketName"]).startswith("stepwell-local-quarantine-")
    ]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert short(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == "Key.Arn"
    [forget] = bucket["LifecycleConfiguration"]["Rules"]
    assert forget["ExpirationInDays"] == 90
    assert forget["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}


def test_quarantine_is_looked_at_hourly_and_raises_two_alarms(synthesized: Synthesized) -> None:
    [rule] = [
        each
        for each in synthesized.properties("AWS::Events::Rule")
        if each["Name"] == "stepwell-local-quarantine-watch"
    ]
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    [target] = rule["Targets"]
    assert short(target["Arn"]) == "QuarantineWatchFunction.Arn"
    alarms = {
        each["MetricName"]: each
        for each in synthesized.properties("AWS::CloudWatch::Alarm")
        if "-quarantine-" in each["AlarmName"]
    }
    age = alarms.pop("QuarantineOldestHours")
    assert (age["Namespace"], age["Threshold"]) == ("Stepwell", 72)
    assert {each["Name"]: each["Value"] for each in age["Dimensions"]} == {
        "service": "quarantine",
        "stage": "local",
    }
    errors = alarms.pop("Errors")
    assert (errors["Namespace"], errors["Threshold"]) == ("AWS/Lambda", 1)
    assert not alarms
    for alarm in (age, errors):
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert len(alarm["AlarmActions"]) == 1
