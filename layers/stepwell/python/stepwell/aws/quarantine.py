"""The quarantine's bucket: ingest only writes what it refuses; operators look, correct and close.

Encryption is the bucket's own setting.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from stepwell.events.envelope import Refused
from stepwell.events.quarantine import (
    CLOSED,
    ENTRIES,
    STATES,
    Entry,
    QuarantineUnavailableError,
    Receipt,
    location,
    pack,
    still_open,
    unpack,
)
from stepwell.events.sources import Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DISMISSED, REPLAYED = "dismissed", "replayed"
_TAKEN = ("PreconditionFailed", "412")
_MISSING = ("NoSuchKey", "404")


@dataclass(frozen=True)
class QuarantineWriter:
    """Ingest's side. `registry_key` names what events were held to."""

    client: S3Client
    bucket: str
    registry_key: str
    new_id: Callable[[], str]

    def keep(
        self, source: Source, endpoint: str, refused: Sequence[Refused], received_at: datetime
    ) -> list[str]:
        """The ids of the entries. Raises QuarantineUnavailableError.

        What lies there already is left as it is: it was received first, and may be corrected.
        """
        version = self.registry_key.rpartition("/")[2].removesuffix(".json")
        receipt = Receipt(source.name, source.types, endpoint, received_at, version)
        key, content, ids = pack(refused, receipt, self.new_id)
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType="application/gzip",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise QuarantineUnavailableError from error
        except BotoCoreError as error:
            raise QuarantineUnavailableError from error
        return ids


class QuarantineError(Exception):
    """Something in the quarantine cannot be read or has changed; the message names it."""


@dataclass(slots=True)
class State:
    """What was done about an entry. `tag` is that of the object it was read from, empty for none.

    `call` is the last correction, `sending` when the first replay began, empty before. `history`:
    {"what", "at", "by", …}, the oldest first.
    """

    call: Any = None
    is_fixed: bool = False
    sending: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)
    closed: dict[str, Any] | None = None
    tag: str = ""

    @property
    def is_dismissed(self) -> bool:
        """Whether somebody has said so, though the entry may not be closed yet."""
        return bool(self.history) and self.history[-1]["what"] == DISMISSED

    @property
    def name(self) -> str:
        """open, corrected, replayed or dismissed."""
        if self.closed is not None:
            return str(self.closed["what"])
        return "corrected" if self.is_fixed else "open"


@dataclass(frozen=True)
class QuarantineBucket:
    """The operators' side. Raises what botocore raises, and QuarantineError."""

    client: S3Client
    bucket: str

    def entries(self, prefix: str = f"{ENTRIES}/") -> Iterator[Entry]:
        """Those whose object's key begins so, by the day of receipt."""
        for key in self.keys(prefix):
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            try:
                yield from unpack(key, body)
            except ValueError as error:
                raise QuarantineError(f"s3://{self.bucket}: {error}") from error

    def entry(self, entry_id: str) -> Entry:
        prefix = location(entry_id)
        for each in self.entries(prefix) if prefix else ():
            if each.id == entry_id:
                return each
        raise QuarantineError(f"there is no entry {entry_id}; `stepwell quarantine list`")

    def keys(self, prefix: str) -> Iterator[str]:
        yield from (key for key, _ in listed(self.client, self.bucket, prefix))

    def waiting(self) -> int:
        """How many are open or corrected, by the names of objects alone."""
        entries = listed(self.client, self.bucket, f"{ENTRIES}/")
        count, _ = still_open(entries, self.keys(f"{CLOSED}/"), datetime.now(UTC))
        return count

    def touched(self) -> set[str]:
        """The ids of entries that something was done about."""
        return {
            key.partition("/")[2].removesuffix(".json")
            for folder in (STATES, CLOSED)
            for key in self.keys(f"{folder}/")
        }

    def state(self, entry_id: str) -> State:
        document, tag = self._read(f"{STATES}/{entry_id}.json")
        closed, _ = self._read(f"{CLOSED}/{entry_id}.json")
        return State(
            call=document.get("call"),
            is_fixed="call" in document,
            sending=document.get("sending", ""),
            history=list(document.get("history", ())),
            closed=closed or None,
            tag=tag,
        )

    def put_state(self, entry_id: str, state: State) -> State:
        """Write the state over the one that it was read as. Raises QuarantineError when somebody
        else has written meanwhile.
        """
        document: dict[str, Any] = {"history": state.history, "sending": state.sending}
        if state.is_fixed:
            document["call"] = state.call
        condition: dict[str, Any] = {"IfMatch": state.tag} if state.tag else {"IfNoneMatch": "*"}
        tag = self._write(f"{STATES}/{entry_id}.json", document, condition)
        if tag is None:
            raise QuarantineError(f"{entry_id} was changed by somebody else just now; look again")
        state.tag = tag
        return state

    def close(self, entry_id: str, closed: dict[str, Any]) -> dict[str, Any]:
        """Record how an entry left. The first record stays, and is returned."""
        key = f"{CLOSED}/{entry_id}.json"
        if self._write(key, closed, {"IfNoneMatch": "*"}) is not None:
            return closed
        first, _ = self._read(key)
        return first

    def _write(self, key: str, document: dict[str, Any], condition: dict[str, Any]) -> str | None:
        """The object's tag; None when the condition does not hold."""
        try:
            answer = self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=json.dumps(document).encode(),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                return None
            raise
        return answer["ETag"]

    def _read(self, key: str) -> tuple[dict[str, Any], str]:
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return {}, ""
            raise
        document: dict[str, Any] = json.loads(found["Body"].read())
        return document, found["ETag"]


def listed(client: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, datetime]]:
    """Keys in their order, each with the time of its writing."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    yield from (
        (each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", ())
    )
