"""Queues are worked off as Lambda's event source mappings do."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local import moto_patches
from infra.local.account import ACCOUNT, REGION
from infra.local.clock import StepClock, StillBusyError
from infra.local.event_sources import EventSources
from infra.local.functions import Invocation
from infra.local.template_parts import EventSource

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
Handler = Callable[[dict[str, Any]], Any]


class Bench:
    """A polled queue with a dead-letter queue; `handle` is what its function does with a batch."""

    def __init__(self) -> None:
        self.clock = StepClock(START)
        self.batches: list[list[str]] = []
        self.events: list[dict[str, Any]] = []
        self.reports: list[str] = []
        self.handle: Handler = lambda _event: None
        self.sources: EventSources | None = None

    def changed(self) -> None:
        if self.sources:
            self.sources.on_change()

    def invoke(self, function: str, event: Any) -> Invocation:
        assert function == "worker"
        with self.clock.work():
            self.events.append(event)
            self.batches.append([record["body"] for record in event["Records"]])
            try:
                return self.handle(event), None
            except ValueError as error:
                return {"errorType": "ValueError", "errorMessage": str(error)}, "Unhandled"

    def start(
        self, *, fifo: bool, visibility: int = 0, attempts: int = 3, partial: bool = True
    ) -> None:
        self.sqs = boto3.client("sqs", region_name=REGION)
        end = ".fifo" if fifo else ""
        kind = {"FifoQueue": "true"} if fifo else {}
        self.dead = self.sqs.create_queue(QueueName=f"dead{end}", Attributes=kind)["QueueUrl"]
        redrive = {
            "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead{end}",
            "maxReceiveCount": attempts,
        }
        attributes = {
            **kind,
            "VisibilityTimeout": str(visibility),
            "RedrivePolicy": json.dumps(redrive),
        }
        self.url = self.sqs.create_queue(QueueName=f"work{end}", Attributes=attributes)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:work{end}"
        self.sources = EventSources(self.clock, self.sqs, self.invoke, self.reports.append)
        self.clock.add_source(self.sources.is_empty)
        self.mapping = EventSource(arn, "worker", batch_size=10, reports_failures=partial)

    def send(self, *bodies: str, group: str = "") -> None:
        for body in bodies:
            more = {"MessageGroupId": group, "MessageDeduplicationId": body} if group else {}
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def poll(self) -> None:
        assert self.sources
        self.sources.start([self.mapping])

    def bodies(self) -> list[str]:
        """All that were ever handed over, in their order."""
        return [body for batch in self.batches for body in batch]

    def dead_bodies(self) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=self.dead, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    patches, _ = moto_patches.install(bench.clock, bench.invoke, bench.changed)
    with mock_aws():
        yield bench
        if bench.sources:
            bench.sources.close()
            bench.sources.join(10)
    patches.undo()


def failures(event: dict[str, Any], *bodies: str) -> dict[str, Any]:
    ids = [each["messageId"] for each in event["Records"] if each["body"] in bodies]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}


def test_what_is_queued_comes_in_batches_and_is_deleted(bench: Bench) -> None:
    bench.start(fifo=False)
    bench.send(*(f"m{i}" for i in range(25)))
    bench.poll()
    bench.clock.settle(10)
    assert [len(batch) for batch in bench.batches] == [10, 10, 5]
    assert sorted(bench.bodies()) == sorted(f"m{i}" for i in range(25))


def test_a_record_has_the_shape_that_lambda_gives_it(bench: Bench) -> None:
    bench.start(fifo=True)
    bench.send("hello", group="c1")
    bench.poll()
    bench.clock.settle(10)
    (record,) = bench.events[0]["Records"]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":work.fifo")
    assert record["awsRegion"] == REGION
    assert record["attributes"]["MessageGroupId"] == "c1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert set(record) == {
        *("messageId", "receiptHandle", "body", "attributes", "messageAttributes"),
        *("md5OfBody", "eventSource", "eventSourceARN", "awsRegion"),
    }


def test_only_the_records_named_come_again(bench: Bench) -> None:
    bench.start(fifo=False)
    bench.handle = lambda event: failures(event, "b") if len(bench.batches) == 1 else None
    bench.send("a", "b", "c")
    bench.poll()
    bench.clock.settle(10)
    assert bench.batches == [["a", "b", "c"], ["b"]]
    assert "failed on 1 message(s)" in bench.reports[0]


def test_a_failed_function_gets_the_whole_batch_again(bench: Bench) -> None:
    def handle(event: dict[str, Any]) -> Any:
        if len(bench.batches) == 1:
            raise ValueError("not today")

    bench.start(fifo=False)
    bench.handle = handle
    bench.send("a", "b")
    bench.poll()
    bench.clock.settle(10)
    assert bench.batches == [["a", "b"], ["a", "b"]]
    assert "ValueError: not today" in bench.reports[0]


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": "nobody"}]},
        {"batchItemFailures": [{"other": "key"}]},
        "text",
    ],
)
def test_an_unexpected_answer_fails_the_whole_batch(bench: Bench, answer: Any) -> None:
    bench.start(fifo=False)
    bench.handle = lambda _event: answer if len(bench.batches) == 1 else None
    bench.send("a", "b")
    bench.poll()
    bench.clock.settle(10)
    assert bench.batches == [["a", "b"], ["a", "b"]]


def test_without_partial_failures_an_answer_says_nothing(bench: Bench) -> None:
    bench.start(fifo=False, partial=False)
    bench.handle = lambda event: failures(event, "a")
    bench.send("a")
    bench.poll()
    bench.clock.settle(10)
    assert bench.batches == [["a"]]


def test_a_group_keeps_its_order_behind_a_failure_and_others_go_on(bench: Bench) -> None:
    bench.start(fifo=True, visibility=1)
    bench.handle = lambda event: failures(event, "a2", "a3") if len(bench.batches) == 1 else None
    bench.send("a1", "a2", "a3", group="a")
    bench.poll()
    bench.sqs.get_queue_attributes(QueueUrl=bench.url, AttributeNames=["All"])
    bench.send("b1", group="b")
    bench.clock.settle(10)
    order = bench.bodies()
    assert [body for body in order if body.startswith("a")] == ["a1", "a2", "a3", "a2", "a3"]
    assert order.count("b1") == 1


def test_what_fails_too_often_becomes_a_dead_letter(bench: Bench) -> None:
    bench.start(fifo=True, attempts=3)
    bench.handle = lambda event: failures(event, "bad")
    bench.send("good", "bad", group="a")
    bench.poll()
    bench.clock.settle(10)
    assert bench.bodies().count("bad") == 3
    assert bench.dead_bodies() == ["bad"]


def test_time_stands_still_until_a_queued_message_is_done(bench: Bench) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def handle(event: dict[str, Any]) -> None:
        begun.set()
        go_on.wait(10)

    bench.start(fifo=False)
    bench.handle = handle
    bench.send("a")
    bench.poll()
    begun.wait(10)
    with pytest.raises(StillBusyError):
        bench.clock.settle(0.05)
    go_on.set()
    bench.clock.settle(10)


def test_a_delayed_message_comes_at_its_moment_and_holds_nothing_up(bench: Bench) -> None:
    came: list[datetime] = []
    bench.handle = lambda _: came.append(bench.clock.now())
    bench.start(fifo=False)
    bench.poll()
    bench.sqs.send_message(QueueUrl=bench.url, MessageBody="later", DelaySeconds=300)
    bench.send("now")
    bench.clock.run_until(START + timedelta(minutes=4), timeout=60)
    assert (bench.batches, came) == ([["now"]], [START])
    bench.clock.run_until_idle(timeout=60)
    assert (bench.batches, came) == ([["now"], ["later"]], [START, START + timedelta(minutes=5)])


def test_no_message_is_lost_between_senders_and_the_poller(bench: Bench) -> None:
    bench.start(fifo=False)
    bench.poll()
    threads = [
        threading.Thread(target=bench.send, args=[f"{i}-{j}" for j in range(25)]) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.clock.settle(20)
    assert sorted(bench.bodies()) == sorted(f"{i}-{j}" for i in range(8) for j in range(25))
