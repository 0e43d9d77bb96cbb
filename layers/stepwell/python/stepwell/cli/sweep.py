"""`stepwell sweep`: let the router look at customers now, who are due or (`--all`) whom the
deployed definitions of segments have not been held to yet.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError

if TYPE_CHECKING:
    from stepwell.aws.stages import SweepParts
    from stepwell.cli.command import Commands

HELP = "Look again at customers whose segments may have changed."
RATE = 100
"""Customers a second, by default: what apps send at the same time hardly notices."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("sweep", help=HELP, description=HELP)
    parser.add_argument(
        "--all",
        action="store_true",
        help="after segments.yaml changed: everybody whose segments do not follow from it yet, "
        "instead of those whom time alone may have moved",
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        default=RATE,
        metavar="N",
        help=f"with --all: at most so many customers a second (default: {RATE})",
    )
    parser.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    parser.add_argument("--dry-run", action="store_true", help="count, and send nothing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when everybody found was told of, or some are left for the next run of the schedule."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.stages import sweep_parts  # noqa: PLC0415 - as above
    from stepwell.events.intake import QueueUnavailableError  # noqa: PLC0415

    try:
        parts = sweep_parts(arguments.stage)
        found = _everybody(parts, arguments) if arguments.all else _due(parts, arguments)
    except QueueUnavailableError as error:
        said = "the events queue takes no more; run it again, it goes on where it was"
        raise CommandError(said) from error
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"stage {arguments.stage}: {error}") from error
    print(json.dumps(found) if arguments.json else _said(found, arguments))
    return 0


def _everybody(parts: SweepParts, arguments: argparse.Namespace) -> dict[str, int | bool]:
    from stepwell.profile.refreshing import refresh  # noqa: PLC0415 - quick --help

    told = 0
    for told in refresh(
        parts.profiles.stale(parts.version),
        parts.version,
        (lambda _: None) if arguments.dry_run else parts.queue.send,
        per_second=float("inf") if arguments.dry_run else arguments.rate,
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
    ):
        _show(f"{told} told of, {parts.profiles.looked_at} items looked at", arguments)
    _show("", arguments)
    return {"told": told, "left": False}


def _due(parts: SweepParts, arguments: argparse.Namespace) -> dict[str, int | bool]:
    from stepwell.profile.sweeping import Counting, sweep  # noqa: PLC0415 - quick --help

    queue = Counting() if arguments.dry_run else parts.queue
    swept = sweep(parts.index, queue, datetime.now(UTC), parts.at_most)
    late = int(swept.late.total_seconds())
    return {"told": swept.told, "left": swept.left, "late_seconds": late}


def _show(text: str, arguments: argparse.Namespace) -> None:
    if sys.stderr.isatty() and not arguments.json:
        print(f"\r{text:60}", end="" if text else "\r", file=sys.stderr, flush=True)


def _said(found: dict[str, int | bool], arguments: argparse.Namespace) -> str:
    done = "would be looked at" if arguments.dry_run else "are looked at by the router now"
    text = f"{found['told']} customers {done}"
    if found["left"]:
        text += "; more are due, and come with the next runs"
    return text


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not 0 < rate <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from above 0 to 10000")
    return rate
