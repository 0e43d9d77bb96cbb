"""Texts, push and WhatsApp by End User Messaging: what is asked of it fits its own models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from infra.local.clock import StepClock
from infra.local.messaging import MessagingEndpoint
from infra.local.moto_patches.providers import Taken
from stepwell.aws.providers.choosing import ChosenProviders, ProviderSettings
from stepwell.aws.providers.end_user_push import EndUserPush, platform_of
from stepwell.aws.providers.end_user_sms import EndUserSms
from stepwell.aws.providers.push import SnsPush
from stepwell.aws.providers.sms import SnsSms
from stepwell.aws.providers.whatsapp import WhatsApp
from stepwell.messages.services import Service
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
NUMBER = "+447700900123"
APPLICATION = "0123456789abcdef" * 2
GOOGLE = "fcm-token:APA91b"
APPLE = "0f" * 32
TAGS = {"customer": "c1", "message": "x1.suggest", "journey": "cart", "purpose": "marketing"}


@pytest.fixture
def taken() -> list[Taken]:
    return []


@pytest.fixture
def url(taken: list[Taken]) -> Iterator[str]:
    with MessagingEndpoint(StepClock(NOW), taken.append) as endpoint:
        yield endpoint.url


def client(service: str, url: str | None = None) -> Any:
    return boto3.client(service, region_name="eu-west-1", endpoint_url=url)


def outgoing(channel: str, address: str, **content: str) -> Outgoing:
    return Outgoing("x1.suggest", channel, address, content, TAGS)


# ------------------------------------------------------------------------------------- texts


def fields(name: str) -> dict[str, Any]:
    return {"Fields": [{"Name": name, "Message": "is no good"}]}


@pytest.mark.parametrize(
    ("transactional", "kind"), [(False, "PROMOTIONAL"), (True, "TRANSACTIONAL")]
)
def test_a_text_has_its_kind_its_sender_and_ids_for_the_receipts(
    transactional: bool, kind: str
) -> None:
    sms = client("pinpoint-sms-voice-v2")
    stub = Stubber(sms)
    expected = {
        "DestinationPhoneNumber": NUMBER,
        "MessageBody": "Hi",
        "MessageType": kind,
        "Context": TAGS,
        "OriginationIdentity": "pool-1",
        "ConfigurationSetName": "stepwell",
    }
    stub.add_response("send_text_message", {"MessageId": "m1"}, expected)
    with stub:
        message = replace(outgoing("sms", NUMBER, body="Hi"), transactional=transactional)
        assert EndUserSms(sms, "pool-1", "stepwell").send(message) == "m1"


def test_a_text_is_taken(url: str, taken: list[Taken]) -> None:
    sent = EndUserSms(client("pinpoint-sms-voice-v2", url)).send(outgoing("sms", NUMBER, body="Hi"))
    assert sent
    assert taken == [Taken(NOW, "sms", NUMBER, {"body": "Hi"})]


@pytest.mark.parametrize(
    ("address", "body"), [("07700 900123", "Hi"), (NUMBER, "   "), (NUMBER, "x" * 1_601)]
)
def test_a_text_that_the_service_would_refuse_is_refused_here(
    url: str, taken: list[Taken], address: str, body: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        EndUserSms(client("pinpoint-sms-voice-v2", url)).send(outgoing("sms", address, body=body))
    assert caught.value.kind is ErrorKind.CONFIGURATION
    assert not taken


@pytest.mark.parametrize(
    ("code", "besides", "kind"),
    [
        ("ThrottlingException", {}, ErrorKind.THROTTLED),
        ("ServiceQuotaExceededException", {}, ErrorKind.TEMPORARY),
        ("ConflictException", {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}, ErrorKind.ADDRESS),
        (
            "ConflictException",
            {"Reason": "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"},
            ErrorKind.CONFIGURATION,
        ),
        (
            "ValidationException",
            fields("DestinationPhoneNumber"),
            ErrorKind.ADDRESS,
        ),
        ("ValidationException", fields("MessageBody"), ErrorKind.CONFIGURATION),
        ("AccessDeniedException", {"Reason": "ACCOUNT_DISABLED"}, ErrorKind.CONFIGURATION),
    ],
)
def test_the_services_reasons_are_classed(
    code: str, besides: dict[str, Any], kind: ErrorKind
) -> None:
    sms = client("pinpoint-sms-voice-v2")
    stub = Stubber(sms)
    stub.add_client_error("send_text_message", code, modeled_fields=besides)
    with stub, pytest.raises(ProviderError) as caught:
        EndUserSms(sms).send(outgoing("sms", NUMBER, body="Hi"))
    assert (caught.value.code, caught.value.kind) == (code, kind)


# ------------------------------------------------------------------------------------- push


def test_tokens_tell_whose_they_are() -> None:
    assert (platform_of(APPLE), platform_of(GOOGLE)) == ("APNS", "GCM")


@pytest.mark.parametrize("token", [APPLE, GOOGLE])
def test_push_is_taken(url: str, taken: list[Taken], token: str) -> None:
    push = EndUserPush(client("pinpoint", url), APPLICATION)
    assert push.send(outgoing("push", token, title="Hello", body="Dress"))
    assert taken == [Taken(NOW, "push", token, {"title": "Hello", "body": "Dress"})]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("THROTTLED", 429, ErrorKind.THROTTLED),
        ("TEMPORARY_FAILURE", 500, ErrorKind.TEMPORARY),
        ("PERMANENT_FAILURE", 410, ErrorKind.ADDRESS),
        ("PERMANENT_FAILURE", 400, ErrorKind.CONFIGURATION),
        ("OPT_OUT", 400, ErrorKind.ADDRESS),
        ("UNKNOWN_FAILURE", 500, None),
    ],
)
def test_what_became_of_the_message_counts_not_the_call(
    status: str, code: int, kind: ErrorKind | None
) -> None:
    pinpoint = client("pinpoint")
    stub = Stubber(pinpoint)
    result = {GOOGLE: {"DeliveryStatus": status, "StatusCode": code}}
    answer = {"MessageResponse": {"ApplicationId": APPLICATION, "Result": result}}
    expected = {"ApplicationId": APPLICATION, "MessageRequest": ANY}
    stub.add_response("send_messages", answer, expected)
    wanted = OutcomeUnknownError if kind is None else ProviderError
    with stub, pytest.raises(wanted) as caught:
        EndUserPush(pinpoint, APPLICATION).send(outgoing("push", GOOGLE, title="H", body="D"))
    if isinstance(caught.value, ProviderError):
        assert caught.value.kind is kind


# ------------------------------------------------------------------------------------- whatsapp


def test_a_template_is_taken_with_its_parameters(url: str, taken: list[Taken]) -> None:
    whatsapp = WhatsApp(client("socialmessaging", url), f"phone-number-id-{APPLICATION}")
    content = {"template": "outfit", "language": "en_GB", "parameter_1": "Ada", "parameter_2": "x"}
    assert whatsapp.send(outgoing("whatsapp", NUMBER, **content))
    shown = {"template": "outfit (en_GB)", "body": "Ada\nx"}
    assert taken == [Taken(NOW, "whatsapp", NUMBER, shown)]


def test_a_whatsapp_message_is_what_meta_takes() -> None:
    social = client("socialmessaging")
    stub = Stubber(social)
    message = {
        "messaging_product": "whatsapp",
        "to": NUMBER,
        "type": "template",
        "template": {"name": "hello", "language": {"code": "de"}},
    }
    stub.add_response(
        "send_whatsapp_message",
        {"messageId": "m1"},
        {
            "originationPhoneNumberId": f"phone-number-id-{APPLICATION}",
            "message": json.dumps(message).encode(),
            "metaApiVersion": "v20.0",
        },
    )
    with stub:
        sender = WhatsApp(social, f"phone-number-id-{APPLICATION}")
        assert sender.send(outgoing("whatsapp", NUMBER, template="hello", language="de")) == "m1"


# ------------------------------------------------------------------------------------- choice


def test_what_is_not_set_up_is_refused_without_a_call() -> None:
    for provider in (EndUserPush(client("pinpoint"), ""), WhatsApp(client("socialmessaging"), "")):
        with pytest.raises(ProviderError) as caught:
            provider.send(outgoing("any", NUMBER, body="Hi"))
        assert caught.value.kind is ErrorKind.CONFIGURATION


def test_settings_choose_the_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    plain = ChosenProviders(ProviderSettings(email_from="shop@example.com"))
    assert isinstance(plain["sms"], EndUserSms)
    assert isinstance(plain["push"], EndUserPush)
    assert {"email", "sms", "push", "whatsapp"} <= set(plain)
    sns = ChosenProviders(
        ProviderSettings(
            email_from="shop@example.com", sms_provider=Service.SNS, push_provider=Service.SNS
        )
    )
    assert isinstance(sns["sms"], SnsSms)
    assert isinstance(sns["push"], SnsPush)


def test_only_sends_are_answered_here(url: str) -> None:
    with pytest.raises(ClientError, match="none of the sends"):
        client("pinpoint-sms-voice-v2", url).describe_pools()
