"""`stepwell send`: send the calls of a JSON Lines file to an API, in their order."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stepwell.cli.http import DEFAULT_URL, Answer, ApiError, call
from stepwell.events.model import EventType

BATCH = 50
"""Calls a request; 50 events of the largest size would not fit, so bytes are counted as well."""
BATCH_BYTES = 400_000


class FileError(Exception):
    """A file of calls has a line that cannot be sent; the message names it."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "send", help="Send a JSON Lines file of track, identify and other calls."
    )
    parser.add_argument("file", type=Path, help="one call a line; - is standard input")
    parser.add_argument("--url", default=DEFAULT_URL, help="the API (default: %(default)s)")
    parser.add_argument("--write-key", default="local", help="the source's key (default: local)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Send the file; 0 when every call was taken. Nothing is sent of a file with a broken line."""
    try:
        calls = read_calls(arguments.file)
        sent = send(calls, arguments.url, arguments.write_key)
    except (FileError, ApiError) as error:
        print(f"stepwell send: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"sent": sent}) if arguments.json else f"{sent} calls sent")
    return 0


def read_calls(path: Path) -> list[dict[str, Any]]:
    """The calls of a file. Raises FileError naming the file and the first broken line."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read: {error}") from error
    calls = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            calls.append(_read_line(line, f"{path}:{number}"))
    return calls


def send(calls: list[dict[str, Any]], url: str, write_key: str) -> int:
    """Send the calls in batches; how many were taken. Raises ApiError at the first refusal."""
    credentials = base64.b64encode(f"{write_key}:".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    sent = 0
    for batch in _batches(calls):
        body = json.dumps({"batch": batch}).encode()
        answer = call("POST", f"{url.rstrip('/')}/v1/batch", headers=headers, body=body)
        _check(answer, url, sent)
        sent += len(batch)
        if len(calls) > BATCH:
            print(f"\r{sent} of {len(calls)} calls", end="", file=sys.stderr, flush=True)
    if len(calls) > BATCH:
        print("\r", end="", file=sys.stderr)
    return sent


def _check(answer: Answer, url: str, before: int) -> None:
    """Raises ApiError unless every call of a batch was taken; those that are good were."""
    body = answer.body if isinstance(answer.body, dict) else {"message": answer.body}
    if answer.status != 200:
        said = body.get("message")
        raise ApiError(f"{url} answered {answer.status}: {said} ({before} calls sent before)")
    if body.get("rejected"):
        said = "; ".join(f"{each['field']}: {each['message']}" for each in body["errors"])
        taken = f"{body['accepted']} calls of this batch and {before} before were taken"
        raise ApiError(f"{url} refused {body['rejected']} calls: {said} ({taken})")


def _read_line(line: str, place: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise FileError(f"{place}: not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise FileError(f"{place}: a call must be a JSON object")
    if document.get("type") not in list(EventType):
        raise FileError(f'{place}: "type" must be one of {", ".join(EventType)}')
    return document


def _batches(calls: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for each in calls:
        length = len(json.dumps(each))
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += length
    if batch:
        yield batch
