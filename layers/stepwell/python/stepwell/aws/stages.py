"""The resources of a deployed stage, found by their names, for commands that operators run."""

from __future__ import annotations

from stepwell.aws.archive import Archive
from stepwell.aws.clients import client
from stepwell.aws.events_queue import KNOWN, REBUILD, EventsQueue


def replay_parts(stage: str, *, rebuild: bool) -> tuple[Archive, EventsQueue]:
    """The stage's archive, and its events queue for what comes from there.

    Account and Region are those of the credentials at hand. Raises what botocore raises.
    """
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=f"stepwell-{stage}-events.fifo")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    region, account = found["Attributes"]["QueueArn"].split(":")[3:5]
    bucket = f"stepwell-{stage}-archive-{account}-{region}"
    queue = EventsQueue(sqs, url, REBUILD if rebuild else KNOWN)
    return Archive(client("s3"), bucket), queue
