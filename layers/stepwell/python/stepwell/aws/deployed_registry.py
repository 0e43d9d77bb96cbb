"""The event registry from the bucket of programs, as it was deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from stepwell.events.registry import (
    Registry,
    RegistryUnavailableError,
    UnknownEvents,
    load_registry,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def read_registry(client: S3Client, bucket: str, key: str, unknown: UnknownEvents) -> Registry:
    """Raises RegistryUnavailableError when S3 does not give it. `key` names its version."""
    try:
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except (ClientError, BotoCoreError) as error:
        raise RegistryUnavailableError from error
    return load_registry(text, key.rpartition("/")[2].removesuffix(".json"), unknown)
