"""delivery: renders, claims, sends and records a message on one channel. Rules 7 and 8."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.message_functions import hasher, policies, programs, store
from stepwell.aws.providers.choosing import ChosenProviders, ProviderSettings
from stepwell.aws.settings import load
from stepwell.messages.deliver import deliver
from stepwell.messages.lanes import Lane, read_lanes
from stepwell.messages.request import read_request
from stepwell.ports import Provider

logger = Logger(service="delivery")


@cache
def providers() -> Mapping[str, Provider]:
    return ChosenProviders(load(ProviderSettings))


@cache
def lanes() -> Mapping[str, Lane]:
    return read_lanes(load(ProviderSettings).lanes)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The state of send_message in; `answered`, or `next_channel` with what is left to try, out."""
    request = read_request(event, attempt=context.aws_request_id)
    answer = deliver(
        request,
        store=store(),
        programs=programs(),
        policies=policies(),
        providers=providers(),
        hasher=hasher(),
        now=clock.now,
        lanes=lanes(),
    )
    logger.debug("delivered", extra={"message_id": request.message, "outcome": answer["outcome"]})
    return answer
