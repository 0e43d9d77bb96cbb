"""The queue by which it is asked how messages sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.profile.sentiment import SentimentRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class SentimentQueue:
    """Raises what botocore raises: the event comes again then, and is asked about again."""

    client: SQSClient
    url: str

    def ask(self, request: SentimentRequest) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=request.body())
