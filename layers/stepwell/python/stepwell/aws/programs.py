"""Compiled journeys and policies from the bucket. Names are content hashes, so what was read stays
true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from stepwell.journeys.program import Program, load_program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BucketPrograms:
    """The programs of a bucket; each object is read once a process."""

    def __init__(self, client: S3Client, bucket: str, catalog_key: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._catalog_key = catalog_key
        self._live: tuple[Program, ...] | None = None
        self._versions: dict[str, Program] = {}

    def live(self) -> Sequence[Program]:
        """The programs that the catalog lists, draining ones too."""
        if self._live is None:
            versions = json.loads(read_text(self._client, self._bucket, self._catalog_key))[
                "programs"
            ]
            self._live = tuple(self.version(version) for version in versions)
        return self._live

    def version(self, version: str) -> Program:
        if version not in self._versions:
            text = read_text(self._client, self._bucket, f"programs/{version}.json")
            self._versions[version] = load_program(text)
        return self._versions[version]


@cache
def read_text(client: S3Client, bucket: str, key: str) -> str:
    """An object's text, read once a process: the key names its content."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
