"""A stage that asks Comprehend: its queue, its function, and a Comprehend that answers by words.

moto's Comprehend says the same of every text. Here a text that says so is negative; the request and
the answer pass botocore's model as always.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest.mock import patch

from moto.comprehend.models import ComprehendBackend

from infra.local.event_sources import record
from tests.support.stage import FUNCTIONS, PREFIX, Stage

_REST = {"Positive": 0.01, "Mixed": 0.01}
NEGATIVE = {
    "Sentiment": "NEGATIVE",
    "SentimentScore": {**_REST, "Negative": 0.93, "Neutral": 0.05},
}
NEUTRAL = {"Sentiment": "NEUTRAL", "SentimentScore": {**_REST, "Negative": 0.05, "Neutral": 0.93}}


class ListeningStage(Stage):
    """`asked` are the texts that Comprehend was asked about, each with its language."""

    functions: ClassVar[tuple[str, ...]] = (*FUNCTIONS, "sentiment")
    asked: list[tuple[str, str]]

    def _create_queues(self) -> None:
        super()._create_queues()
        queue = self.engine.client("sqs").create_queue(QueueName=f"{PREFIX}sentiment")
        self.sentiment_url = queue["QueueUrl"]
        self.asked = []

    def _create_the_rest(self) -> dict[str, str]:
        return super()._create_the_rest() | {
            "SENTIMENT_QUEUE_URL": self.sentiment_url,
            "COMPREHEND_LANGUAGES": "en de",
        }

    def requests(self) -> list[dict[str, Any]]:
        """What lies in the queue, taken out of it."""
        queue, found = self.engine.client("sqs"), []
        while messages := queue.receive_message(
            QueueUrl=self.sentiment_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for each in messages:
                found.append(record(each, self.sentiment_url))
                queue.delete_message(
                    QueueUrl=self.sentiment_url, ReceiptHandle=each["ReceiptHandle"]
                )
        return found

    def ask(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        """Hand requests to the function, and what it tells to the router; the function's answer."""
        answer: dict[str, Any] = self.engine.invoke(f"{PREFIX}sentiment", {"Records": requests})
        self.deliver()
        self.engine.settle()
        return answer

    @contextmanager
    def comprehend(self, failure: Exception | None = None) -> Iterator[None]:
        """Comprehend answers meanwhile, or fails."""

        def answer(_backend: Any, text: str, language: str) -> dict[str, Any]:
            if failure is not None:
                raise failure
            self.asked.append((text, language))
            return NEGATIVE if "broke" in text else NEUTRAL

        with patch.object(ComprehendBackend, "detect_sentiment", answer):
            yield
