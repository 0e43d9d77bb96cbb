"""The queue between ingest and router: FIFO, one group a sender, so that their events stay in
order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from stepwell.events.intake import QueueUnavailableError
from stepwell.events.model import Event, to_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

REPLAYED = "replayed"
"""The attribute of messages that come from the archive: the router does not archive them again."""
KNOWN, REBUILD = "known", "rebuild"
"""Its values: to be applied only while the router surely knows what it applied, or in any case."""
MAX_ENTRIES = 10
MAX_CALL_BYTES = 900_000
"""Below SQS's limit of 1 MiB a call, with room for what surrounds the bodies."""


@dataclass(frozen=True)
class EventsQueue:
    client: SQSClient
    url: str
    replay: str = ""
    """KNOWN or REBUILD when what is sent comes from the archive."""

    def send(self, events: Sequence[Event]) -> None:
        for entries in _calls(events, replay=self.replay):
            try:
                answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                raise QueueUnavailableError from error
            if answer.get("Failed"):
                # What comes after a failed entry must not overtake it: the sender sends all again.
                raise QueueUnavailableError

    def waiting(self) -> int:
        """About how many messages lie in it and are not being worked off."""
        name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(answer["Attributes"][name])


def _calls(
    events: Sequence[Event], *, replay: str
) -> Iterator[list[SendMessageBatchRequestEntryTypeDef]]:
    entries: list[SendMessageBatchRequestEntryTypeDef] = []
    size = 0
    for event in events:
        body = to_message(event)
        length = len(body.encode())
        if entries and (len(entries) == MAX_ENTRIES or size + length > MAX_CALL_BYTES):
            yield entries
            entries, size = [], 0
        entries.append(
            {
                "Id": str(len(entries)),
                "MessageBody": body,
                "MessageGroupId": event.group,
                "MessageDeduplicationId": event.fingerprint,
            }
        )
        if replay:
            entries[-1]["MessageAttributes"] = {
                REPLAYED: {"DataType": "String", "StringValue": replay}
            }
        size += length
    if entries:
        yield entries
