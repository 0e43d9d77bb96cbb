"""SQS under threads, in order, on the stepped clock where it delays, and news of its changes.

moto copies a queue's messages when it deletes one, and loses what comes in the meantime. A delayed
message would be delayed in real time, and hold the clock up: so it comes when its time has come.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from moto.sqs.models import Queue, SQSBackend

from infra.local.clock import StepClock
from infra.local.moto_patches.replacing import Patches


def install(
    patches: Patches,
    clock: StepClock,
    on_change: Callable[[], None],
    on_delayed: Callable[[], None],
) -> None:
    """`on_delayed` is called when a delayed message has come."""
    lock = threading.RLock()

    def changing(method: Any) -> Any:
        def call(self: Any, *args: Any, **arguments: Any) -> Any:
            with lock:
                result = method(self, *args, **arguments)
            on_change()
            return result

        return call

    add_now = changing(_numbering())
    patches.replace(Queue, "add_message", _adding_in_time(add_now, clock, on_delayed))
    patches.replace(Queue, "delete_message", changing(Queue.delete_message))
    patches.replace(SQSBackend, "purge_queue", changing(SQSBackend.purge_queue))
    patches.replace(SQSBackend, "receive_message", _receiving(lock, on_change))


def _numbering() -> Any:
    """Sequence numbers of a FIFO queue grow; moto draws them by chance."""
    add_message = Queue.add_message
    numbers = itertools.count(1)

    def numbered(self: Any, message: Any) -> Any:
        if self.fifo_queue:
            message.sequence_number = f"{next(numbers):020d}"
        return add_message(self, message)

    return numbered


def _adding_in_time(add_now: Any, clock: StepClock, on_delayed: Callable[[], None]) -> Any:
    def add_in_time(self: Any, message: Any) -> None:
        delay = round((message.delayed_until - message.sent_timestamp) / 1000)
        message.delayed_until = 0.0
        if delay <= 0:
            add_now(self, message)
            return

        def come() -> None:
            add_now(self, message)
            on_delayed()

        clock.call_at(clock.now() + timedelta(seconds=delay), come)

    return add_in_time


def _receiving(lock: threading.RLock, on_change: Callable[[], None]) -> Any:
    receive = SQSBackend.receive_message

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,  # noqa: ARG001
        *args: Any,
        **arguments: Any,
    ) -> Any:
        """A long poll answers at once: it would hold the lock. Dead letters move while receiving.

        Messages that are visible again are no longer being worked off: moto would see that one by
        one, and so give out the second of a group before the first.
        """
        with lock:
            queue = self.get_queue(queue_name)
            before = len(queue._messages)
            queue._pending_messages.difference_update(
                [message for message in queue._messages if message.visible]
            )
            result = receive(self, queue_name, count, 0, *args, **arguments)
            moved = before != len(queue._messages)
        if moved:
            on_change()
        return result

    return receive_message
