"""frequency-cap: a cap unit for the first channel that has room. Rule 6."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.failures import without_values
from stepwell.aws.message_functions import policies, programs, store
from stepwell.messages.request import read_request
from stepwell.messages.reserve import reserve_unit

logger = Logger(service="frequency-cap")


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The state of send_message in; `go` with the channel, or `answered`, out."""
    request = read_request(event, attempt=context.aws_request_id)
    answer = reserve_unit(
        request, store=store(), programs=programs(), policies=policies(), now=clock.now()
    )
    logger.debug("reserved", extra={"message_id": request.message, "outcome": answer["outcome"]})
    return answer
