"""What the providers of the engine hand to SES and SNS can be read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local import moto_patches
from infra.local.account import REGION
from infra.local.clock import StepClock
from infra.local.outbox import KEPT, Outbox
from stepwell.aws.providers.email import SesEmail
from stepwell.aws.providers.push import SnsPush
from stepwell.aws.providers.sms import SnsSms
from stepwell.ports import Outgoing, ProviderError

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    outbox = Outbox()
    patches, _ = moto_patches.install(
        StepClock(NOW), lambda _function, event: (event, None), on_taken=outbox.add
    )
    with mock_aws():
        yield outbox
    patches.undo()


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def outgoing(address: str, **content: str) -> Outgoing:
    return Outgoing("m1", "any", address, content, {"purpose": "marketing"})


def test_without_messages_it_says_so(outbox: Outbox) -> None:
    assert outbox.page() == "No message was sent yet.\n"


def test_a_text_message(outbox: Outbox) -> None:
    SnsSms(client("sns")).send(outgoing("+12025550123", body="Your dress waits.\nHave a look."))
    assert outbox.page().endswith(
        "2026-11-24 21:14 UTC  sms  to +12025550123\n    Your dress waits.\n    Have a look.\n"
    )


def test_a_push_message_as_the_phone_shows_it(outbox: Outbox) -> None:
    sns = client("sns")
    application = sns.create_platform_application(
        Name="app", Platform="GCM", Attributes={"PlatformCredential": "local"}
    )["PlatformApplicationArn"]
    SnsPush(sns, application).send(outgoing("token-1", title="Hello", body="Still there?"))
    assert outbox.page().endswith("push  to token-1\n    title: Hello\n    Still there?\n")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"html": "<p>Hi</p>"}, "<p>Hi</p>"),
        ({"text": "Hi"}, "Hi"),
        ({"html": "<p>Hi</p>", "text": "Hi"}, "Hi"),
    ],
)
def test_an_email_with_its_readable_part(
    outbox: Outbox, content: dict[str, str], shown: str
) -> None:
    client("ses").verify_email_identity(EmailAddress="shop@example.com")
    email = SesEmail(client("sesv2"), "shop@example.com")
    email.send(outgoing("ada@example.com", subject="A word", **content))
    end = f"email  to ada@example.com\n    subject: A word\n    {shown}\n"
    assert outbox.page().endswith(end)


def test_a_refused_message_is_not_in_it(outbox: Outbox) -> None:
    email = SesEmail(client("sesv2"), "stranger@example.com")
    with pytest.raises(ProviderError, match="MessageRejected"):
        email.send(outgoing("ada@example.com", subject="A word", text="Hi"))
    assert outbox.page() == "No message was sent yet.\n"


def test_the_last_ones_are_kept_and_the_newest_is_first(outbox: Outbox) -> None:
    for number in range(KEPT + 5):
        SnsSms(client("sns")).send(outgoing("+12025550123", body=f"number {number}"))
    bodies = [line for line in outbox.page().splitlines() if line.startswith("    ")]
    assert len(bodies) == KEPT
    assert bodies[0] == f"    number {KEPT + 4}"
