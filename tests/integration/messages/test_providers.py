"""What the providers ask of AWS, checked against its models, and how they take its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from botocore.stub import ANY, Stubber

from stepwell.aws import clients
from stepwell.aws.providers.email import SesEmail
from stepwell.aws.providers.errors import preparation_errors, send_errors
from stepwell.aws.providers.push import SnsPush
from stepwell.aws.providers.sms import SnsSms
from stepwell.feedback.notices import message_of_tag
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError

APPLICATION = "arn:aws:sns:eu-west-1:123456789012:app/GCM/stepwell"
ENDPOINT = "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/stepwell/1"
URL = "https://example.com"


def stubbed(service: str) -> tuple[Any, Stubber]:
    client = boto3.client(service, region_name="eu-west-1")
    return client, Stubber(client)


def outgoing(channel: str, address: str, **content: str) -> Outgoing:
    return Outgoing("x1.suggest", channel, address, content, {"journey": "cart", "message": "x#1"})


def test_email_has_both_parts_and_ids_as_tags() -> None:
    client, stub = stubbed("sesv2")
    expected = {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Hello", "Charset": "UTF-8"},
                "Body": {
                    "Html": {"Data": "<p>Ada</p>", "Charset": "UTF-8"},
                    "Text": {"Data": "Ada", "Charset": "UTF-8"},
                },
            }
        },
        "EmailTags": [
            {"Name": "journey", "Value": "cart"},
            {"Name": "message", "Value": "x_1"},
        ],
        "ConfigurationSetName": "stepwell",
    }
    stub.add_response("send_email", {"MessageId": "m1"}, expected)
    with stub:
        provider = SesEmail(client, "shop@example.com", "stepwell")
        message = outgoing(
            "email", "ada@example.com", subject="Hello", html="<p>Ada</p>", text="Ada"
        )
        assert provider.send(message) == "m1"
    stub.assert_no_pending_responses()


def test_email_gives_feedback_a_message_id_that_it_can_read() -> None:
    """Of the characters that SES documents for tags, and nothing lost."""
    client, stub = stubbed("sesv2")
    stub.add_response("send_email", {"MessageId": "m1"})
    message_id = "c0123456789abcdef01234567-0123456789abcdef-71.second_nudge"
    message = outgoing("email", "ada@example.com", subject="Hello", text="Ada")
    sent: list[Any] = []
    client.meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params)
    )
    with stub:
        SesEmail(client, "a@b.c").send(replace(message, tags={"message": message_id}))
    ((tag,),) = (each["EmailTags"] for each in sent)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag["Value"])
    assert message_of_tag(tag["Value"]) == message_id


def test_email_without_a_configuration_set_and_with_text_only() -> None:
    client, stub = stubbed("sesv2")
    expected = {
        "FromEmailAddress": "shop@example.com",
        "Destination": ANY,
        "Content": {
            "Simple": {
                "Subject": ANY,
                "Body": {"Text": {"Data": "Ada", "Charset": "UTF-8"}},
            }
        },
        "EmailTags": ANY,
    }
    stub.add_response("send_email", {"MessageId": "m1"}, expected)
    with stub:
        message = outgoing("email", "ada@example.com", subject="Hello", text="Ada")
        assert SesEmail(client, "shop@example.com").send(message) == "m1"
    stub.assert_no_pending_responses()


def test_email_that_somebody_may_end_has_the_headers_for_it() -> None:
    client, stub = stubbed("sesv2")
    link = "https://api.example.com/v1/unsubscribe?t=" + "a" * 600 + ".b"
    simple = {
        "Subject": ANY,
        "Body": ANY,
        "Headers": [
            {"Name": "List-Unsubscribe", "Value": f"<{link}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ],
    }
    expected = {
        "FromEmailAddress": ANY,
        "Destination": ANY,
        "Content": {"Simple": simple},
        "EmailTags": [],
    }
    stub.add_response("send_email", {"MessageId": "m1"}, expected)
    with stub:
        content = {"subject": "Hello", "text": "Ada"}
        message = Outgoing("m", "email", "ada@example.com", content, {}, unsubscribe_url=link)
        SesEmail(client, "shop@example.com").send(message)
    stub.assert_no_pending_responses()


@pytest.mark.parametrize("sender", ["", "SHOP"])
@pytest.mark.parametrize(
    ("purpose", "kind"), [("marketing", "Promotional"), ("transactional", "Transactional")]
)
def test_sms_has_its_type_and_sender(sender: str, purpose: str, kind: str) -> None:
    client, stub = stubbed("sns")
    attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": kind}}
    if sender:
        attributes["AWS.SNS.SMS.SenderID"] = {"DataType": "String", "StringValue": sender}
    expected = {"PhoneNumber": "+447700900123", "Message": "Hi", "MessageAttributes": attributes}
    stub.add_response("publish", {"MessageId": "m1"}, expected)
    with stub:
        transactional = purpose == "transactional"
        message = Outgoing(
            "x1.suggest", "sms", "+447700900123", {"body": "Hi"}, {}, transactional=transactional
        )
        assert SnsSms(client, sender).send(message) == "m1"


def test_push_makes_the_tokens_endpoint_and_publishes_to_it() -> None:
    client, stub = stubbed("sns")
    stub.add_response(
        "create_platform_endpoint",
        {"EndpointArn": ENDPOINT},
        {"PlatformApplicationArn": APPLICATION, "Token": "token-1"},
    )
    apple = json.dumps(
        {"aps": {"alert": {"title": "Hello", "body": "Dress"}}, "message_id": "x1.suggest"}
    )
    google = json.dumps(
        {
            "notification": {"title": "Hello", "body": "Dress"},
            "data": {"message_id": "x1.suggest"},
        }
    )
    payloads = {"default": "Dress", "GCM": google, "APNS": apple, "APNS_SANDBOX": apple}
    stub.add_response(
        "publish",
        {"MessageId": "m1"},
        {"TargetArn": ENDPOINT, "MessageStructure": "json", "Message": json.dumps(payloads)},
    )
    with stub:
        message = outgoing("push", "token-1", title="Hello", body="Dress")
        assert SnsPush(client, APPLICATION).send(message) == "m1"
    stub.assert_no_pending_responses()


def test_push_without_an_application_is_refused() -> None:
    client, _ = stubbed("sns")
    with pytest.raises(ProviderError) as caught:
        SnsPush(client, "").send(outgoing("push", "token-1", title="Hello", body="Dress"))
    assert not caught.value.may_go_later


def test_a_disabled_endpoint_is_refused() -> None:
    client, stub = stubbed("sns")
    stub.add_response("create_platform_endpoint", {"EndpointArn": ENDPOINT})
    stub.add_client_error("publish", "EndpointDisabled", http_status_code=400)
    with stub, pytest.raises(ProviderError) as caught:
        SnsPush(client, APPLICATION).send(outgoing("push", "token-1", title="Hello", body="Dress"))
    assert (caught.value.code, caught.value.kind) == ("EndpointDisabled", ErrorKind.ADDRESS)


def answered(code: str, status: int) -> boto.ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(response, "SendEmail")


REFUSED = [
    answered("MessageRejected", 400),
    answered("MailFromDomainNotVerifiedException", 400),
    answered("AccountSuspendedException", 400),
    answered("InvalidParameter", 400),
    answered("AuthorizationError", 403),
    boto.ParamValidationError(report="a wrong parameter"),
    boto.NoCredentialsError(),
]
PUSHED_BACK = [
    answered("TooManyRequestsException", 429),
    answered("Throttling", 400),
    answered("SendingPausedException", 400),
    answered("ServiceUnavailable", 503),
    answered("SomethingNew", 429),
    boto.ConnectTimeoutError(endpoint_url=URL),
    boto.EndpointConnectionError(endpoint_url=URL),
]
UNKNOWN = [
    answered("InternalError", 500),
    answered("Gateway", 504),
    boto.ReadTimeoutError(endpoint_url=URL),
    boto.ConnectionClosedError(endpoint_url=URL),
    boto.HTTPClientError(error="reset"),
    boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    boto.SSLError(endpoint_url=URL, error=OSError("broken")),
    ResponseParserError("half an answer"),
]


def names(errors: list[Exception]) -> list[str]:
    return [f"{type(error).__name__}-{error}"[:60] for error in errors]


def raises(error: Exception, around: Callable[[], Any] = send_errors) -> None:
    with around():
        raise error


@pytest.mark.parametrize("error", REFUSED, ids=names(REFUSED))
def test_what_is_refused_is_definitely_not_sent(error: Exception) -> None:
    with pytest.raises(ProviderError) as caught:
        raises(error)
    assert not caught.value.may_go_later


@pytest.mark.parametrize("error", PUSHED_BACK, ids=names(PUSHED_BACK))
def test_what_is_pushed_back_can_be_sent_later(error: Exception) -> None:
    with pytest.raises(ProviderError) as caught:
        raises(error)
    assert caught.value.may_go_later


@pytest.mark.parametrize("error", UNKNOWN, ids=names(UNKNOWN))
def test_a_lost_answer_is_unknown(error: Exception) -> None:
    with pytest.raises(OutcomeUnknownError):
        raises(error)


@pytest.mark.parametrize("error", UNKNOWN, ids=names(UNKNOWN))
def test_a_lost_answer_before_the_send_is_only_pushed_back(error: Exception) -> None:
    with pytest.raises(ProviderError) as caught:
        raises(error, preparation_errors)
    assert caught.value.may_go_later


def test_any_other_error_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        raises(ZeroDivisionError())


def test_clients_for_sends_try_once() -> None:
    clients.forget()
    config: Any = clients.client("sesv2", retries=False).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    clients.forget()
