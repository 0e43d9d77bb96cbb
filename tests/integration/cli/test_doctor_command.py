"""`stepwell doctor` as operators run it, and the page that says what it needs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from stepwell.aws import clients as real
from stepwell.aws.inspection.asking import action_of
from stepwell.aws.inspection.checks import CHECKS, inspect
from stepwell.aws.inspection.scene import find_scene
from stepwell.cli.main import main
from stepwell.readiness.findings import Level
from tests.support.aws_answers import DENIED, AnsweringClients
from tests.support.ready_stage import (
    BY_END_USER_MESSAGING,
    BY_SNS,
    IN_MOTO,
    NOW,
    REGION,
    answers,
    make_stage,
)

PAGE = Path("docs/doctor.md")


@pytest.fixture(scope="module")
def stage() -> Iterator[AnsweringClients]:
    with mock_aws():
        made = AnsweringClients(REGION, answers(), IN_MOTO)
        make_stage(made, BY_SNS)
        yield made


@pytest.fixture
def account(stage: AnsweringClients, monkeypatch: pytest.MonkeyPatch) -> AnsweringClients:
    stage.answers = answers()
    monkeypatch.setattr(real, "client", stage)
    return stage


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_doctor_a_stage_that_is_ready_ends_well(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--stage", "prod"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Stage prod in account 123456789012, {REGION}\n")
    assert re.search(r"^ok +email sender +news@shop\.test is verified", said, re.MULTILINE)
    assert lines(said)[-1] == "17 ok, 1 warning"


def test_doctor_a_problem_is_told_with_what_mends_it(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    account.answers["sns", "GetSMSAttributes"] = {"attributes": {"MonthlySpendLimit": "1"}}
    assert main(["doctor", "--stage", "prod"]) == 1
    said = lines(capsys.readouterr().out)
    [at] = [index for index, line in enumerate(said) if line.startswith("problem")]
    assert said[at].endswith("SMS spend limit     texts stop when $1 is spent in a month")
    assert said[at + 1].startswith("to mend: ask AWS for more")


def test_doctor_what_could_not_be_looked_at_is_not_well(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    account.answers["sesv2", "GetAccount"] = DENIED
    assert main(["doctor", "--stage", "prod"]) == 1
    assert "could not look: needs ses:GetAccount" in capsys.readouterr().out


def test_doctor_answers_machines(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--stage", "prod", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["stage"], document["region"]) == ("prod", REGION)
    assert {"check", "level", "means", "mend"} == document["checks"][0].keys()
    assert {each["level"] for each in document["checks"]} == {"ok", "warning"}


def test_doctor_a_stage_that_is_not_there_cannot_be_looked_at(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--stage", "dev"]) == 2
    assert f"there is no stage dev in {REGION}" in capsys.readouterr().err


def test_doctor_without_permission_for_the_stage_says_which(
    account: AnsweringClients, capsys: pytest.CaptureFixture[str]
) -> None:
    account.answers["lambda", "GetFunctionConfiguration"] = DENIED
    assert main(["doctor", "--stage", "prod"]) == 2
    assert "needs lambda:GetFunctionConfiguration" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("region", "said"),
    [("eu-west-1", "Unable to locate credentials"), ("", "You must specify a region")],
)
def test_doctor_without_credentials_or_region_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], region: str, said: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    if region:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    real.forget()
    assert main(["doctor", "--stage", "prod"]) == 2
    assert said in capsys.readouterr().err
    real.forget()


def test_doctor_page_lists_every_check() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)
    assert [each for each in listed if each in {check.name for check in CHECKS}] == [
        check.name for check in CHECKS
    ]
    for level in Level:
        assert f"`{level}`" in text


def test_doctor_page_has_the_policy_that_it_needs(account: AnsweringClients) -> None:
    account.called.clear()
    account.answers["service-quotas", "ListServiceQuotas"] = {"Quotas": []}
    for set_up in (BY_SNS, BY_END_USER_MESSAGING):
        application = {"PUSH_APPLICATION_ARN": f"arn:aws:sns:{REGION}:123456789012:app/GCM/x"}
        account("lambda").update_function_configuration(
            FunctionName="stepwell-prod-delivery",
            Environment={"Variables": {**set_up, **application}},
        )
        list(inspect(find_scene("prod", account, NOW)))
    used = {
        action_of(account(service), operation)
        for service, operation in account.called
        if operation != "UpdateFunctionConfiguration"
    }
    text = PAGE.read_text(encoding="utf-8")
    [policy] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    allowed = {
        action for statement in json.loads(policy)["Statement"] for action in statement["Action"]
    }
    assert allowed == used | {"kms:Decrypt"}  # which DynamoDB asks for, with the table's key
