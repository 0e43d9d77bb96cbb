"""Compiled journeys and policies from the bucket. Names are content hashes, so what was read stays
true. The versions of machines change under their name, but each that was ever there is as good.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from stepwell.journeys.program import Program, load_program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BucketPrograms:
    """The programs of a bucket; each object is read once a process."""

    def __init__(
        self, client: S3Client, bucket: str, catalog_key: str = "", machine_versions_key: str = ""
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._catalog_key = catalog_key
        self._machine_versions_key = machine_versions_key
        self._live: tuple[Program, ...] | None = None
        self._versions: dict[str, Program] = {}

    def live(self) -> Sequence[Program]:
        """The programs that the catalog lists, draining ones too, with their machines' versions."""
        if self._live is None:
            versions = self._read(self._catalog_key)["programs"]
            programs = [self.version(version) for version in versions]
            if self._machine_versions_key:
                arns = self._read(self._machine_versions_key)
                programs = [
                    replace(each, machine_version=number_in(arns[each.journey]))
                    for each in programs
                ]
            self._live = tuple(programs)
        return self._live

    def version(self, version: str) -> Program:
        if version not in self._versions:
            text = read_text(self._client, self._bucket, f"programs/{version}.json")
            self._versions[version] = load_program(text)
        return self._versions[version]

    def _read(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(read_text(self._client, self._bucket, key))
        return document


def number_in(version_arn: str) -> int:
    """Of a state machine's version: the end of its ARN. Raises ValueError for an ARN without."""
    return int(version_arn.rpartition(":")[2])


@cache
def read_text(client: S3Client, bucket: str, key: str) -> str:
    """An object's text, read once a process: the key names its content."""
    return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
