"""The archive in S3: every accepted event as the router received it, before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from stepwell.events.archive import FOLDER, Archived, in_order, minute_of, pack, unpack
from stepwell.events.model import Event

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ArchiveError(Exception):
    """An object of the archive cannot be read; the message names it."""


@dataclass(frozen=True)
class Archive:
    client: S3Client
    bucket: str

    def keep(self, messages: Iterable[tuple[str, str]]) -> list[str]:
        """Write messages, given as (body, sequence number); the objects' keys. Raises what botocore
        raises.

        Encryption is the bucket's own setting.
        """
        keys = []
        for key, content in pack(messages):
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/gzip"
            )
            keys.append(key)
        return keys

    def find(self, key: str, fingerprint: str) -> Event:
        """One event of an object. Raises ArchiveError where it is not."""
        for each in self._unpack(key):
            if each.event.fingerprint == fingerprint:
                return each.event
        raise ArchiveError(f"s3://{self.bucket}/{key}: has no event {fingerprint}")

    def read(self, first: date, last: date) -> Iterator[list[Event]]:
        """The events received from one day to another (UTC, both included), by the minute.

        Within a minute each event comes once; one that was sent again later comes again there.
        Raises ArchiveError.
        """
        for number in range((last - first).days + 1):
            yield from self._read_day(first + timedelta(days=number))

    def _read_day(self, day: date) -> Iterator[list[Event]]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{FOLDER}/date={day}/"
        )
        keys = (each["Key"] for page in pages for each in page.get("Contents", ()))
        for minute, same in groupby(keys, key=minute_of):  # S3 lists by name, and so by time
            if minute is not None:
                yield in_order(one for key in same for one in self._unpack(key))

    def _unpack(self, key: str) -> list[Archived]:
        body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        try:
            return list(unpack(body.read()))
        except ValueError as error:
            raise ArchiveError(f"s3://{self.bucket}/{key}: {error}") from error
