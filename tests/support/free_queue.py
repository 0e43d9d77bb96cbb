"""A queue and a quarantine that cost nothing. The queue takes what SQS would take, refuses what SQS
would refuse, keeps the last few messages: moto's own takes longer for each message the more there
are. The quarantine makes each object and lets it go: moto's S3 keeps all in memory.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from stepwell.aws.events_queue import EventsQueue
from stepwell.aws.quarantine import QuarantineWriter
from tests.support.stage import PREFIX, Stage

KEPT = 10
_NOT_TAKEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMES = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
"""Of groups and for deduplication: letters, digits and punctuation."""


class FreeQueue:
    """Stands for an SQS client. `bodies` are the last that came, `taken` is how many came."""

    def __init__(self) -> None:
        self.bodies: deque[str] = deque(maxlen=KEPT)
        self.taken = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert QueueUrl
        assert 1 <= len(Entries) <= 10
        assert len({each["Id"] for each in Entries}) == len(Entries)
        assert sum(len(each["MessageBody"].encode()) for each in Entries) <= 1024 * 1024
        for each in Entries:
            assert each["MessageBody"]
            assert not _NOT_TAKEN.search(each["MessageBody"])
            assert _NAMES.fullmatch(each["MessageGroupId"])
            assert _NAMES.fullmatch(each["MessageDeduplicationId"])
            self.bodies.append(each["MessageBody"])
        self.taken += len(Entries)
        return {"Successful": [{"Id": each["Id"]} for each in Entries]}


class FreeBucket:
    """Stands for an S3 client that is only written to."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_more: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert Bucket
        assert len(Key.encode()) <= 1024
        assert Body
        return {}


@contextmanager
def free_queue(stage: Stage) -> Iterator[FreeQueue]:
    """Let the stage's ingest function send and keep at no cost."""
    free = FreeQueue()
    with sending_to(stage, free, FreeBucket()):
        yield free


@contextmanager
def sending_to(stage: Stage, client: Any, bucket: Any = None) -> Iterator[None]:
    """Let the stage's ingest function send to another SQS client, and keep by another S3 client."""
    module: Any = sys.modules[stage.engine.functions.handler(f"{PREFIX}ingest").__module__]
    made = dataclasses.replace(module.intake(), queue=EventsQueue(client, stage.events_url))
    if bucket is not None:
        own: QuarantineWriter = made.quarantine
        made = dataclasses.replace(made, quarantine=dataclasses.replace(own, client=bucket))
    with patch.object(module, "intake", lambda: made):
        yield
