"""delivery: renders, claims, sends and records a message on one channel. Rules 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.failures import without_values
from stepwell.aws.message_functions import MessageSettings, policies, programs, store
from stepwell.aws.providers.email import SesEmail
from stepwell.aws.providers.push import SnsPush
from stepwell.aws.providers.sms import SnsSms
from stepwell.aws.settings import load
from stepwell.messages.deliver import deliver
from stepwell.messages.request import read_request
from stepwell.ports import Provider

logger = Logger(service="delivery")


class DeliverySettings(MessageSettings):
    email_from: str
    email_configuration_set: str = ""
    sms_sender_id: str = ""
    push_application_arn: str = ""


@cache
def providers() -> Mapping[str, Provider]:
    """Their clients retry nothing: a second try after a lost answer would send twice."""
    settings = load(DeliverySettings)
    sns = client("sns", retries=False)
    return {
        "email": SesEmail(
            client("sesv2", retries=False), settings.email_from, settings.email_configuration_set
        ),
        "sms": SnsSms(sns, settings.sms_sender_id),
        "push": SnsPush(sns, settings.push_application_arn),
    }


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The state of send_message in; `answered`, or `next_channel` with what is left to try, out."""
    request = read_request(event, attempt=context.aws_request_id)
    answer = deliver(
        request,
        store=store(),
        programs=programs(),
        policies=policies(),
        providers=providers(),
        now=clock.now,
    )
    logger.debug("delivered", extra={"message_id": request.message, "outcome": answer["outcome"]})
    return answer
