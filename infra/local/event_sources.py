"""Works queues off as Lambda's event source mappings do.

A message stays in its queue until its record has succeeded, so the clock sees work until then:
`is_empty` is one of its sources. A batch whose function fails, or answers something unexpected,
comes back whole when its visibility is over; with partial failures only the records named do.
After too many receptions SQS moves a message to its dead-letter queue. All that is in real time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.sqs.models import sqs_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.clock import StepClock
from infra.local.functions import Invocation
from infra.local.template_parts import EventSource

Invoke = Callable[[str, Any], Invocation]


@dataclass
class _Signal:
    """Counts changes, so that one between a look and a wait is not missed."""

    condition: threading.Condition = field(default_factory=threading.Condition)
    changes: int = 0
    closed: bool = False

    def tell(self) -> None:
        with self.condition:
            self.changes += 1
            self.condition.notify_all()

    def wait_beyond(self, seen: int, timeout: float | None) -> None:
        with self.condition:
            self.condition.wait_for(lambda: self.closed or self.changes != seen, timeout)


class EventSources:
    """One poller thread a mapping. `on_change` has to be told when messages come or go."""

    def __init__(
        self, clock: StepClock, sqs: Any, invoke: Invoke, report: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._sqs = sqs
        self._invoke = invoke
        self._report = report
        self._sources: list[EventSource] = []
        self._threads: list[threading.Thread] = []
        self._signal = _Signal()

    def start(self, sources: Iterable[EventSource]) -> None:
        for source in sources:
            self._sources.append(source)
            thread = threading.Thread(target=self._poll, args=(source,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Take no more batches; one that is being worked off ends with its function."""
        self._signal.closed = True
        self._signal.tell()

    def join(self, timeout: float) -> None:
        """Wait for the pollers to end, at most so many real seconds for all of them."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def on_change(self) -> None:
        self._signal.tell()
        self._clock.touch()

    def is_empty(self) -> bool:
        """Nothing lies in the polled queues, be it visible or being worked off. What is delayed
        comes into them when its time has come.
        """
        return not any(_messages(source) for source in self._sources)

    def _poll(self, source: EventSource) -> None:
        try:
            while not self._signal.closed:
                seen = self._signal.changes
                if not self._work_off(source):
                    self._signal.wait_beyond(seen, _next_visible(source))
        except Exception as error:
            if not self._signal.closed:
                self._report(f"the poller of {source.queue_arn} has stopped: {error!r}")
                raise

    def _work_off(self, source: EventSource) -> bool:
        """Take one batch; False when there was nothing to take."""
        url = _queue(source).physical_resource_id
        messages = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(source.batch_size, 10),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return False
        event = {"Records": [record(message, source.queue_arn) for message in messages]}
        result, error = self._invoke(source.function, event)
        failed = failed_ids(result, error, messages, partial=source.reports_failures)
        if failed:
            self._tell_of(source, failed, result if error else None)
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _tell_of(self, source: EventSource, failed: set[str], error: Any) -> None:
        why = f": {error['errorType']}: {error['errorMessage']}" if error else ""
        again = _queue(source).visibility_timeout
        self._report(
            f"{source.function} failed on {len(failed)} message(s){why}; again in {again} s"
        )


def record(message: Mapping[str, Any], queue_arn: str) -> dict[str, Any]:
    """One record of the event that Lambda makes of an SQS message."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {
                "stringValue": each.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": each["DataType"],
            }
            for name, each in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def failed_ids(
    result: Any, error: str | None, messages: Iterable[Mapping[str, Any]], *, partial: bool
) -> set[str]:
    """The ids of the messages that stay in the queue, by the rules of Lambda's documentation."""
    every = {message["MessageId"] for message in messages}
    if error is not None:
        return every
    if not partial or not result:
        return set()
    try:
        named = {failure["itemIdentifier"] for failure in result.get("batchItemFailures") or ()}
    except (AttributeError, KeyError, TypeError):
        return every
    return every if named - every else named


def _queue(source: EventSource) -> Any:
    return sqs_backends[ACCOUNT][REGION].queues[source.queue_arn.rpartition(":")[2]]


def _messages(source: EventSource) -> list[Any]:
    """All that lie in the queue, in whatever state."""
    messages: list[Any] = _queue(source)._messages  # noqa: SLF001 - the public list is the visible
    return messages


def _next_visible(source: EventSource) -> float | None:
    """Real seconds until a message may be taken again; None when there is none to wait for."""
    moments = [max(each.visible_at, each.delayed_until) for each in _messages(source)]
    return max(0.0, min(moments) / 1000 - time.time()) + 0.002 if moments else None
