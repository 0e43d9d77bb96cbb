"""consent: is a message to be sent now, and on which channels? Rules 1 to 5."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.message_functions import hasher, policies, programs, store
from stepwell.messages.ask import ask
from stepwell.messages.request import read_request

logger = Logger(service="consent")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The state of send_message in; `go` with channels, or `answered`, out."""
    request = read_request(event, attempt=context.aws_request_id)
    answer = ask(
        request,
        store=store(),
        programs=programs(),
        policies=policies(),
        hasher=hasher(),
        now=clock.now(),
    )
    logger.debug("asked", extra={"message_id": request.message, "outcome": answer["outcome"]})
    return answer
