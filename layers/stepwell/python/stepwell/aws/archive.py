"""The archive in S3: every accepted event as the router received it, before it is applied."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from stepwell.events.archive import FOLDER, Archived, in_order, minute_of, pack, unpack
from stepwell.events.model import Event

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_AT_ONCE, _AHEAD = 8, 32
"""Below the ten connections of a client."""


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
        for each in self._unpack(key, self._fetch(key)):
            if each.event.fingerprint == fingerprint:
                return each.event
        raise ArchiveError(f"s3://{self.bucket}/{key}: has no event {fingerprint}")

    def days(self) -> list[date]:
        """The first and the last day of which there are events; none of an empty archive."""
        answers = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{FOLDER}/date=", Delimiter="/"
        )
        folders = (each["Prefix"] for page in answers for each in page.get("CommonPrefixes", ()))
        days = [date.fromisoformat(each.rstrip("/").rpartition("=")[2]) for each in folders]
        return [days[0], days[-1]] if days else []

    def read(self, first: date, last: date, known: set[str] | None = None) -> Iterator[list[Event]]:
        """The events received from one day to another (UTC, both included), by the minute.

        Within a minute each event comes once; one that was sent again later comes again there.
        Objects whose keys are `known` are left out, and those that are read are then known.
        Raises ArchiveError.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for number in range((last - first).days + 1):
                yield from self._read_day(first + timedelta(days=number), known, pool)

    def _read_day(
        self, day: date, known: set[str] | None, pool: ThreadPoolExecutor
    ) -> Iterator[list[Event]]:
        contents = self._fetched(self._keys(day, known), pool)
        for _, same in groupby(contents, key=lambda each: minute_of(each[0])):
            yield in_order(one for key, content in same for one in self._unpack(key, content))

    def _keys(self, day: date, known: set[str] | None) -> Iterator[str]:
        """S3 lists by name, and so by time."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{FOLDER}/date={day}/"
        )
        for key in (each["Key"] for page in pages for each in page.get("Contents", ())):
            if minute_of(key) is None or (known is not None and key in known):
                continue
            if known is not None:
                known.add(key)
            yield key

    def _fetched(
        self, keys: Iterable[str], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[str, bytes]]:
        """Objects in the order of their keys, some of them fetched ahead: each takes S3 tens of
        milliseconds.
        """
        ahead: deque[tuple[str, Future[bytes]]] = deque()
        for key in keys:
            ahead.append((key, pool.submit(self._fetch, key)))
            if len(ahead) > _AHEAD:
                first, content = ahead.popleft()
                yield first, content.result()
        for key, content in ahead:
            yield key, content.result()

    def _fetch(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def _unpack(self, key: str, content: bytes) -> list[Archived]:
        try:
            return list(unpack(content))
        except ValueError as error:
            raise ArchiveError(f"s3://{self.bucket}/{key}: {error}") from error
