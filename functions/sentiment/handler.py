"""sentiment: asks Amazon Comprehend how messages of customers sound, and tells it as events."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.archive import Archive
from stepwell.aws.batches import work_off
from stepwell.aws.clients import client
from stepwell.aws.comprehend import Comprehend
from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.failures import described, without_values
from stepwell.aws.settings import ArchiveSettings, ComprehendSettings, EventsQueueSettings, load
from stepwell.profile.sentiment import answer, read_request

logger = Logger(service="sentiment")


class AskingSettings(ArchiveSettings, ComprehendSettings, EventsQueueSettings):
    """All that this function is told by its environment."""


@cache
def archive() -> Archive:
    return Archive(client("s3"), load(AskingSettings).archive_bucket)


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of the sentiment queue; those that fail come again."""
    return work_off(event, context, _ask)


def _ask(record: SQSRecord) -> None:
    """Texts are in no log: a failure names the queue's message only."""
    settings = load(AskingSettings)
    try:
        request = read_request(record.body)
        message = archive().find(request.archived, request.fingerprint)
        languages = settings.comprehend_languages.split()
        told = answer(request, message, Comprehend(client("comprehend")), languages, clock.now())
        EventsQueue(client("sqs"), settings.events_queue_url).send([told])
    except Exception as error:
        said = {"message_id": record.message_id, "failure": described(error)}
        logger.error("sentiment not asked", extra=said)  # noqa: TRY400 - without the error's own words
        raise
