"""feedback: what providers tell after a send becomes events, suppressions and fallbacks."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.batches import work_off
from stepwell.aws.clients import client
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.executions import StepFunctionsExecutions
from stepwell.aws.failures import described, without_values
from stepwell.aws.message_functions import MessageSettings, hasher, policies, programs, store
from stepwell.aws.settings import EventsQueueSettings, ExecutionSettings, load
from stepwell.feedback.reading import read_notice
from stepwell.feedback.taking import take
from stepwell.feedback.tools import NoticeTooEarlyError, Tools

logger = Logger(service="feedback")


class FeedbackSettings(MessageSettings, EventsQueueSettings, ExecutionSettings):
    """All that feedback is told by its environment."""


@cache
def tools() -> Tools:
    """A fallback that Step Functions does not take at once is not queued as a command: the notice
    comes again, and begins it then.
    """
    settings = load(FeedbackSettings)
    return Tools(
        store=store(),
        queue=EventsQueue(client("sqs"), settings.events_queue_url),
        executions=StepFunctionsExecutions(
            client("stepfunctions"),
            journey_arn_prefix=settings.journey_arn_prefix,
            execution_arn_prefix=settings.execution_arn_prefix,
        ),
        programs=programs(),
        policies=policies(),
        hasher=hasher(),
    )


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of the feedback queue; those that fail come again."""
    return work_off(event, context, _take)


def _take(record: SQSRecord) -> None:
    """Notices hold addresses and texts: the log names them by the queue's id only."""
    about = {"message_id": record.message_id}
    try:
        notice = read_notice(record.body, policies().machines)
        taken = take(notice, tools(), clock.now()) if notice else "of no concern"
    except NoticeTooEarlyError:
        logger.info("notice came before the record", extra=about)
        raise
    except Exception as error:
        said = {**about, "failure": described(error)}
        logger.error("notice not taken", extra=said)  # noqa: TRY400 - without the error's own words
        raise
    logger.debug("notice taken", extra={**about, "taken": str(taken)})
