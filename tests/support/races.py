"""Events as queue messages, and calls that begin at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from stepwell.timestamps import to_text
from tests.support.stage import Stage


def queued(stage: Stage, event: str, number: int = 1, **properties: Any) -> str:
    """The queue message of an event that happens now, taken from the queue."""
    document = {
        "messageId": f"queued-{event}-{number}",
        "userId": "ada",
        "event": event,
        "properties": properties,
        "timestamp": to_text(stage.engine.clock.now()),
    }
    assert stage.call("track", document)["statusCode"] == 200
    queue = stage.engine.client("sqs")
    (message,) = queue.receive_message(QueueUrl=stage.events_url)["Messages"]
    queue.delete_message(QueueUrl=stage.events_url, ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])


def together(*calls: Callable[[], object]) -> None:
    """Run all at once, each in a thread; raise what any of them raised."""
    gate, errors = threading.Barrier(len(calls)), []

    def run(call: Callable[[], object]) -> None:
        gate.wait()
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
