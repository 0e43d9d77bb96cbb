"""A batch of a standard queue, worked off record by record: those that fail come again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext


def work_off(
    event: dict[str, Any], context: LambdaContext, carry_out: Callable[[SQSRecord], None]
) -> dict[str, Any]:
    """Lambda's answer: which records failed. When all did they are named too, not raised."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(
        process_partial_response(
            event=event, record_handler=carry_out, processor=processor, context=context
        )
    )
