"""router: takes events from the queue in order and applies each to its customer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepwell.aws import clock
from stepwell.aws.archive import Archive
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import KNOWN, REBUILD, REPLAYED, EventsQueue
from stepwell.aws.executions import StepFunctionsExecutions
from stepwell.aws.failures import described, without_values
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.message_functions import policies
from stepwell.aws.programs import BucketPrograms
from stepwell.aws.sentiment_queue import SentimentQueue
from stepwell.aws.settings import (
    ArchiveSettings,
    EventsQueueSettings,
    ExecutionSettings,
    HashSettings,
    ProgramSettings,
    SentimentSettings,
    TableSettings,
    load,
)
from stepwell.customers.routing import MARKER_KEPT, Router
from stepwell.events.model import Event, from_message
from stepwell.journeys.reactions import Catalog
from stepwell.profile.sentiment import request_for

logger = Logger(service="router")


class RouterSettings(
    TableSettings,
    ProgramSettings,
    HashSettings,
    ExecutionSettings,
    ArchiveSettings,
    EventsQueueSettings,
    SentimentSettings,
):
    """All that the router is told by its environment."""


@cache
def router() -> Router:
    settings = load(RouterSettings)
    programs = BucketPrograms(
        client("s3"),
        settings.programs_bucket,
        settings.catalog_key,
        settings.machine_versions_key,
    )
    return Router(
        store=DynamoStore(client("dynamodb"), settings.customers_table, settings.records_table),
        catalog=Catalog(programs.live(), programs.version),
        executions=StepFunctionsExecutions(
            client("stepfunctions"),
            journey_arn_prefix=settings.journey_arn_prefix,
            execution_arn_prefix=settings.execution_arn_prefix,
            queue=client("sqs"),
            queue_url=settings.commands_queue_url,
        ),
        hasher=SecretHasher(client("secretsmanager"), settings.hash_secret_arn),
        new_id=lambda: f"c{secrets.token_hex(12)}",
        rules=policies().identities,
        profile=policies().profile,
        queue=EventsQueue(client("sqs"), settings.events_queue_url),
    )


@cache
def archive() -> Archive:
    return Archive(client("s3"), load(RouterSettings).archive_bucket)


@without_values
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A batch of the FIFO queue; a group stops at its first failed record, the others go on.

    Nothing is applied that is not archived: without the archive the whole batch comes again.
    """
    try:
        archived = _archive(event["Records"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the batch comes again
        said = {"events": len(event["Records"]), "failure": described(error)}
        logger.error("batch not archived", extra=said)  # noqa: TRY400 - without the error's own words
        failed = [{"itemIdentifier": each["messageId"]} for each in event["Records"]]
        return {"batchItemFailures": failed}
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)
    processor.raise_on_entire_batch_failure = False  # its records are named, like any others
    return dict(
        process_partial_response(
            event=event,
            record_handler=partial(_route, archived=archived),
            processor=processor,
            context=context,
        )
    )


def _archive(records: list[dict[str, Any]]) -> list[str]:
    """Keep what senders sent, in these objects; what a replay sends has been in the archive all
    along.
    """
    return archive().keep(
        (each["body"], each["attributes"].get("SequenceNumber", ""))
        for each in records
        if REPLAYED not in each.get("messageAttributes", {})
    )


def _is_known(record: SQSRecord) -> bool:
    """Whether it is of a replay that relies on what the router knows."""
    return _replayed(record) == KNOWN


def _replayed(record: SQSRecord) -> str | None:
    attribute = record.raw_event.get("messageAttributes", {}).get(REPLAYED)
    return str(attribute["stringValue"]) if attribute is not None else None


@cache
def _teller_of_nothing() -> Router:
    """For a rebuild: what the events of the archive told of lies there as well."""
    return replace(router(), queue=None)


def _router_of(record: SQSRecord) -> Router:
    return _teller_of_nothing() if _replayed(record) == REBUILD else router()


def _ask_how_it_sounds(event: Event, customer: str, archived: Sequence[str]) -> None:
    """Where a stage asks Comprehend: by a queue, so that nobody waits for it here."""
    url = load(RouterSettings).sentiment_queue_url
    request = request_for(event, customer, policies().profile.signals, archived) if url else None
    if request is not None:
        SentimentQueue(client("sqs"), url).ask(request)


def _route(record: SQSRecord, archived: Sequence[str]) -> None:
    try:
        event, now = from_message(record.body), clock.now()
        if _is_known(record) and now > event.received_at + MARKER_KEPT:
            # It stood in the queues too long: that it was applied may be forgotten by now.
            logger.warning("replayed event too old", extra={"message_id": record.message_id})
            return
        routed = _router_of(record).route(event, now)
        if _replayed(record) is None:
            _ask_how_it_sounds(event, routed.customer, archived)
    except Exception as error:
        said = {"message_id": record.message_id, "failure": described(error)}
        logger.error("event not applied", extra=said)  # noqa: TRY400 - without the error's own words
        raise
    for problem in routed.problems:
        logger.warning("part of an event not applied", extra={"problem": problem})
    logger.debug("event applied", extra={"customer": routed.customer, "seq": routed.seq})
