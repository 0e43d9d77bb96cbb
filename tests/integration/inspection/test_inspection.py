"""What the doctor asks AWS, and what it makes of the answers: on moto, and beyond it on answers
that botocore's models allow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.parsers import ResponseParserError
from moto import mock_aws

from stepwell.aws.inspection.asking import DeniedError
from stepwell.aws.inspection.checks import CHECKS, inspect
from stepwell.aws.inspection.scene import NoStageError, Scene, find_scene
from stepwell.readiness.findings import Finding, Level
from tests.support.aws_answers import DENIED, AnsweringClients, Refusal
from tests.support.ready_stage import (
    BY_END_USER_MESSAGING,
    BY_SNS,
    IN_MOTO,
    NOW,
    PREFIX,
    REGION,
    answers,
    make_stage,
)

VOICE = "pinpoint-sms-voice-v2"
MISSING = Refusal("NotFoundException", "no such thing", 404)


@pytest.fixture(scope="module")
def clients() -> Iterator[AnsweringClients]:
    with mock_aws():
        made = AnsweringClients(REGION, answers(), IN_MOTO)
        make_stage(made, BY_SNS)
        yield made


@pytest.fixture
def scene(clients: AnsweringClients) -> Scene:
    clients.answers = answers()
    return find_scene("prod", clients, NOW)


def with_setup(scene: Scene, **changes: Any) -> Scene:
    return dataclasses.replace(scene, setup=dataclasses.replace(scene.setup, **changes))


def other_providers(scene: Scene, **changes: Any) -> Scene:
    set_up = {n.lower(): text for n, text in BY_END_USER_MESSAGING.items() if n != "LANES"}
    return with_setup(scene, **{**set_up, **changes})


def found(scene: Scene, check: str) -> Finding:
    [finding] = [each for each in inspect(scene) if each.check == check]
    return finding


def levels(scene: Scene) -> dict[str, Level]:
    return {each.check: each.level for each in inspect(scene)}


def test_everything_is_well_with_sns(scene: Scene) -> None:
    expected = {each.name: Level.OK for each in CHECKS}
    for name in ("SMS replies", "SMS receipts", "SMS room", "WhatsApp number"):
        del expected[name]
    expected["push application"] = Level.WARNING  # none is set
    assert levels(scene) == expected


def test_everything_is_well_with_end_user_messaging(scene: Scene) -> None:
    assert levels(other_providers(scene)) == {each.name: Level.OK for each in CHECKS}


def test_nothing_is_changed_and_nothing_is_sent(clients: AnsweringClients, scene: Scene) -> None:
    clients.called.clear()
    for each in (scene, other_providers(scene)):
        list(inspect(each))
    verbs = ("Describe", "Get", "List", "Query")
    assert [name for _, name in clients.called if not name.startswith(verbs)] == []


def test_a_permission_that_is_missing_is_named_and_the_others_go_on(
    clients: AnsweringClients, scene: Scene
) -> None:
    operations = {
        ("sesv2", "GetAccount"): ("email account", "ses:GetAccount"),
        ("lambda", "GetAccountSettings"): ("Lambda concurrency", "lambda:GetAccountSettings"),
        ("dynamodb", "Query"): ("write keys", "dynamodb:Query"),
        ("apigateway", "GetAccount"): ("API rate", "apigateway:GET"),
        ("cloudformation", "DescribeStacks"): ("stacks", "cloudformation:DescribeStacks"),
        (VOICE, "DescribeSpendLimits"): ("SMS spend limit", "sms-voice:DescribeSpendLimits"),
        ("pinpoint", "GetApp"): ("push application", "mobiletargeting:GetApp"),
    }
    clients.answers |= dict.fromkeys(operations, DENIED)
    said = {each.check: each for each in inspect(other_providers(scene))}
    for check, action in operations.values():
        assert said[check].level == Level.UNKNOWN
        assert said[check].means == f"could not look: needs {action}"
        assert action in said[check].mend
    unseen = {check for check, _ in operations.values()} | {"email pace"}  # GetAccount's as well
    assert {each.check for each in said.values() if each.level == Level.UNKNOWN} == unseen


def test_a_denial_that_names_another_action_is_believed(
    clients: AnsweringClients, scene: Scene
) -> None:
    said = "User: ada is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:…"
    clients.answers["dynamodb", "Query"] = Refusal("AccessDeniedException", said)
    assert found(scene, "write keys").means == "could not look: needs kms:Decrypt"


def test_a_service_that_fails_is_told_and_the_others_go_on(
    clients: AnsweringClients, scene: Scene
) -> None:
    clients.answers["sesv2", "GetAccount"] = Refusal("BadRequestException", "not here")
    assert found(scene, "email account").level == Level.UNKNOWN
    assert "not here" in found(scene, "email account").means
    assert found(scene, "email sender").level == Level.OK


def test_an_answer_that_nobody_can_read_is_told_in_one_line(
    clients: AnsweringClients, scene: Scene
) -> None:
    page = "<html>\n" + "<p>not today</p>\n" * 100
    clients.answers["sns", "GetSMSAttributes"] = ResponseParserError(f"unreadable: {page}")
    clients.answers["sns", "ListOriginationNumbers"] = EndpointConnectionError(endpoint_url="x")
    for check in ("SMS spend limit", "SMS origination"):
        finding = found(scene, check)
        assert finding.level == Level.UNKNOWN
        assert len(finding.means) < 250
        assert "\n" not in finding.means
    assert found(scene, "SMS account").level == Level.OK


def test_what_aws_does_not_have_is_a_problem(clients: AnsweringClients, scene: Scene) -> None:
    clients.answers["sesv2", "GetEmailIdentity"] = MISSING
    clients.answers["sesv2", "GetConfigurationSet"] = MISSING
    clients.answers["pinpoint", "GetApp"] = MISSING
    gone = Refusal("ResourceNotFoundException", "no such thing")
    clients.answers["socialmessaging", "GetLinkedWhatsAppBusinessAccountPhoneNumber"] = gone
    clients.answers[VOICE, "DescribeConfigurationSets"] = gone
    missing = other_providers(scene, sms_origination="+15550199")
    wrong = {check for check, level in levels(missing).items() if level == Level.PROBLEM}
    assert wrong == {
        "email sender",
        "email events",
        "SMS origination",
        "SMS receipts",
        "push application",
        "WhatsApp number",
    }


def test_a_push_application_of_sns_is_looked_at(scene: Scene) -> None:
    sns = boto3.client("sns", region_name=REGION)
    arn = sns.create_platform_application(
        Name="shop", Platform="GCM", Attributes={"PlatformCredential": "x", "Enabled": "false"}
    )["PlatformApplicationArn"]
    with_arn = with_setup(scene, push_application_arn=arn)
    assert found(with_arn, "push application").level == Level.PROBLEM
    sns.set_platform_application_attributes(
        PlatformApplicationArn=arn,
        Attributes={"Enabled": "true", "AppleCertificateExpirationDate": "2026-12-01T00:00:00Z"},
    )
    assert "expires on 2026-12-01" in found(with_arn, "push application").means
    gone = with_setup(scene, push_application_arn=f"{arn}-gone")
    assert found(gone, "push application").level == Level.PROBLEM


def test_channels_that_were_never_set_up_are_left_out(
    clients: AnsweringClients, scene: Scene
) -> None:
    clients.answers["pinpoint", "GetApnsChannel"] = MISSING
    finding = found(other_providers(scene), "push application")
    assert (finding.level, finding.means) == (Level.OK, "GCM of application a1b2 is enabled")


def test_an_account_that_is_new_is_told_what_to_do_first(
    clients: AnsweringClients, scene: Scene
) -> None:
    first: dict[tuple[str, str], Any] = {
        ("sesv2", "GetAccount"): {"ProductionAccessEnabled": False, "SendingEnabled": True},
        ("lambda", "GetAccountSettings"): {
            "AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
        },
        ("sns", "GetSMSSandboxAccountStatus"): {"IsInSandbox": True},
        ("sns", "GetSMSAttributes"): {"attributes": {}},
        ("sns", "ListOriginationNumbers"): {"PhoneNumbers": []},
    }
    clients.answers |= first
    wrong = {check for check, level in levels(scene).items() if level == Level.PROBLEM}
    assert wrong == {"email account", "Lambda concurrency", "SMS account", "SMS spend limit"}
    voice: dict[tuple[str, str], Any] = {
        (VOICE, "DescribeAccountAttributes"): {
            "AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]
        },
        (VOICE, "DescribeSpendLimits"): {
            "SpendLimits": [
                {"Name": name, "EnforcedLimit": 1, "MaxLimit": 1, "Overridden": False}
                for name in (
                    "VOICE_MESSAGE_MONTHLY_SPEND_LIMIT",
                    "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",
                )
            ]
        },
        (VOICE, "DescribePhoneNumbers"): {"PhoneNumbers": []},
    }
    clients.answers |= voice
    said = levels(other_providers(scene, sms_origination=""))
    texts = {check for check, level in said.items() if "SMS" in check and level == Level.PROBLEM}
    assert texts == {"SMS account", "SMS spend limit", "SMS origination"}


def test_quotas_that_are_not_listed_are_not_taken_for_well(
    clients: AnsweringClients, scene: Scene
) -> None:
    clients.answers["service-quotas", "ListServiceQuotas"] = {"Quotas": []}
    assert found(scene, "execution starts").level == Level.OK  # AWS's default is listed
    none = Refusal("NoSuchResourceException", "no quotas")
    clients.answers["service-quotas", "ListServiceQuotas"] = none
    clients.answers["service-quotas", "ListAWSDefaultServiceQuotas"] = none
    for check in ("execution starts", "open executions"):
        assert "not listed" in found(scene, check).means


def test_the_functions_of_others_take_no_part(scene: Scene) -> None:
    said = found(scene, "Lambda concurrency").means
    assert said == "1,000 functions may run at once, 5 of commands and 50 of router for queues"


def test_a_deployment_without_a_footer_is_not_asked_for_one(scene: Scene) -> None:
    older = with_setup(scene, postal_address=None, public_url=None)
    assert "email footer" not in levels(older)
    example = with_setup(scene, postal_address="Example Shop, 1 Example Street, London")
    assert levels(example)["email footer"] == Level.PROBLEM


def test_a_lane_is_held_to_what_aws_takes(clients: AnsweringClients, scene: Scene) -> None:
    faster = dataclasses.replace(scene.setup, paces={"sms": 3.5, "email": 14.5})
    said = levels(other_providers(dataclasses.replace(scene, setup=faster)))
    assert {check for check, level in said.items() if level == Level.WARNING} == {
        "email pace",
        "SMS pace",
    }


def test_a_stage_that_is_only_half_there_is_a_problem(scene: Scene) -> None:
    elsewhere = dataclasses.replace(
        scene, place=dataclasses.replace(scene.place, stage="dev"), customers="no-table"
    )
    said = levels(elsewhere)
    for check in ("stacks", "hashing secret", "alarm emails", "API rate"):
        assert said[check] == Level.PROBLEM
    assert said["write keys"] == Level.UNKNOWN


def test_what_changed_in_the_account_is_seen(clients: AnsweringClients, scene: Scene) -> None:
    secrets = clients("secretsmanager")
    secrets.delete_secret(SecretId=f"{PREFIX}hashing-key")
    assert found(scene, "hashing secret").level == Level.PROBLEM
    secrets.restore_secret(SecretId=f"{PREFIX}hashing-key")
    assert found(scene, "hashing secret").level == Level.OK


def test_an_alarm_email_that_nobody_confirmed_is_a_problem(
    clients: AnsweringClients, scene: Scene
) -> None:
    waiting = {
        "SubscriptionArn": "PendingConfirmation",
        "Protocol": "email",
        "Endpoint": "ops@shop.test",
    }
    clients.answers["sns", "ListSubscriptionsByTopic"] = {"Subscriptions": [waiting]}
    assert found(scene, "alarm emails").level == Level.PROBLEM


def test_a_stage_that_is_not_there_is_none(clients: AnsweringClients) -> None:
    with pytest.raises(NoStageError, match=rf"no stage dev in {REGION}.*STAGE=dev npx cdk"):
        find_scene("dev", clients, NOW)


def test_a_stage_that_may_not_be_looked_at_names_the_permission(
    clients: AnsweringClients, scene: Scene
) -> None:
    clients.answers["lambda", "GetFunctionConfiguration"] = DENIED
    with pytest.raises(DeniedError, match="lambda:GetFunctionConfiguration"):
        find_scene("prod", clients, NOW)
