"""The resources of a deployed stage, found by their names, for commands that operators run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from stepwell.aws.archive import Archive
from stepwell.aws.clients import client
from stepwell.aws.deployed_registry import read_registry
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.events_queue import KNOWN, REBUILD, EventsQueue
from stepwell.aws.profiles import StaleProfiles
from stepwell.aws.programs import read_text
from stepwell.aws.quarantine import QuarantineBucket
from stepwell.aws.quarantine_desk import QuarantineDesk
from stepwell.events.registry import Registry, UnknownEvents
from stepwell.handover.destinations import load_destinations
from stepwell.messages.policies import load_policies
from stepwell.storage.due import DueIndex


def replay_parts(stage: str, *, rebuild: bool) -> tuple[Archive, EventsQueue]:
    """The stage's archive, and its events queue for what comes from there.

    Account and Region are those of the credentials at hand. Raises what botocore raises.
    """
    url, place = _events_queue(stage)
    queue = EventsQueue(client("sqs"), url, REBUILD if rebuild else KNOWN)
    return Archive(client("s3"), f"stepwell-{stage}-archive-{place}"), queue


def quarantine_desk(stage: str) -> QuarantineDesk:
    """The stage's quarantine, its events queue, and the registry that its ingest function uses.

    What is replayed was never archived, so that the router archives it as it does what is new.
    Raises what botocore raises.
    """
    url, place = _events_queue(stage)
    bucket = QuarantineBucket(client("s3"), f"stepwell-{stage}-quarantine-{place}")
    by = client("sts").get_caller_identity()["Arn"]

    @cache
    def registry() -> Registry:
        return _deployed_registry(stage)

    return QuarantineDesk(bucket, EventsQueue(client("sqs"), url), registry, by)


@dataclass(frozen=True, slots=True)
class SweepParts:
    """`version` is that of the deployed definitions of segments, `at_most` the sweep's limit."""

    index: DueIndex
    profiles: StaleProfiles
    queue: EventsQueue
    version: str
    at_most: int


def sweep_parts(stage: str) -> SweepParts:
    """Raises what botocore raises."""
    url, _ = _events_queue(stage)
    router, swept = (variables(stage, name) for name in ("router", "sweep"))
    text = read_text(client("s3"), router["PROGRAMS_BUCKET"], router["POLICIES_KEY"])
    table = swept["CUSTOMERS_TABLE"]
    return SweepParts(
        DynamoStore(client("dynamodb"), table),
        StaleProfiles(client("dynamodb"), table),
        EventsQueue(client("sqs"), url),
        load_policies(text).profile.segments_version,
        int(swept["SWEEP_AT_MOST"]),
    )


def deployed_destinations(stage: str) -> list[str]:
    """The names of the destinations that hand-overs can go to. Raises what botocore raises, and
    KeyError when the function's settings cannot be read.
    """
    told = variables(stage, "hand-over")
    text = read_text(client("s3"), told["PROGRAMS_BUCKET"], told["DESTINATIONS_KEY"])
    return sorted(load_destinations(text, stage))


def _deployed_registry(stage: str) -> Registry:
    told = variables(stage, "ingest")
    return read_registry(
        client("s3"),
        told["PROGRAMS_BUCKET"],
        told["REGISTRY_KEY"],
        UnknownEvents(told["UNKNOWN_EVENTS"]),
    )


def variables(stage: str, function: str) -> dict[str, str]:
    """What a deployed function is told by its environment."""
    name = f"stepwell-{stage}-{function}"
    found = client("lambda").get_function_configuration(FunctionName=name)
    return found["Environment"]["Variables"]


def _events_queue(stage: str) -> tuple[str, str]:
    """Its address, and the account and Region, as bucket names end with them."""
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=f"stepwell-{stage}-events.fifo")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    region, account = found["Attributes"]["QueueArn"].split(":")[3:5]
    return url, f"{account}-{region}"
