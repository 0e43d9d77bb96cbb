"""`stepwell replay`: send archived events through the router again.

What was applied is not applied again: the router knows an event for 30 days. A selection that goes
further back is refused, unless the tables are being made anew (`--rebuild`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError

if TYPE_CHECKING:
    from stepwell.aws.archive import Archive
    from stepwell.events.model import Event

IN_QUEUE = timedelta(days=4)
"""How long the queue keeps a message: the replay's may be applied that much later."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events; days are UTC's and both included, an empty text takes all."""

    first: date
    last: date
    name: str = ""
    sender: str = ""

    def has(self, event: Event) -> bool:
        senders = (event.user_id, event.anonymous_id)
        return self.name in ("", event.name) and (not self.sender or self.sender in senders)


@dataclass(slots=True)
class Counts:
    """`found` are in the archive on these days, `selected` of them are to be sent."""

    found: int = 0
    selected: int = 0
    sent: int = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("replay", help="Send archived events through the router again.")
    for flag, name, said in (("--from", "first", "first"), ("--to", "last", "last")):
        parser.add_argument(
            flag,
            dest=name,
            required=True,
            type=_day,
            metavar="DATE",
            help=f"{said} day of receipt in UTC, such as 2026-11-24",
        )
    parser.add_argument("--event", default="", metavar="NAME", help="only events of this name")
    parser.add_argument("--user", default="", metavar="ID", help="only of this user")
    parser.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    parser.add_argument("--dry-run", action="store_true", help="count, and send nothing")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="for tables that are empty: also what is too old to be known to the router",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when everything selected is queued. Raises CommandError when it is not."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.archive import ArchiveError  # noqa: PLC0415 - as above
    from stepwell.aws.stages import replay_parts  # noqa: PLC0415
    from stepwell.events.intake import QueueUnavailableError  # noqa: PLC0415

    selection = Selection(arguments.first, arguments.last, arguments.event, arguments.user)
    check(selection, datetime.now(UTC), rebuild=arguments.rebuild)
    counts = Counts()
    try:
        archive, queue = replay_parts(arguments.stage, rebuild=arguments.rebuild)
        send = _nothing if arguments.dry_run else queue.send
        replay(archive, selection, send, counts, show=not arguments.json)
    except QueueUnavailableError as error:
        said = f"the events queue took {counts.sent} events and no more; replay again: what it "
        raise CommandError(f"{said}took is applied once all the same") from error
    except (ArchiveError, BotoCoreError, ClientError) as error:
        raise CommandError(f"stage {arguments.stage}: {error}") from error
    _tell(counts, arguments)
    return 0


def check(selection: Selection, now: datetime, *, rebuild: bool) -> None:
    """Raises CommandError for days that cannot be replayed exactly once."""
    from stepwell.customers.routing import MARKER_KEPT  # noqa: PLC0415 - only who replays pays

    if selection.last < selection.first:
        raise CommandError(f"--to {selection.last} is before --from {selection.first}")
    known_since = (now - (MARKER_KEPT - IN_QUEUE)).date() + timedelta(days=1)
    if selection.first < known_since and not rebuild:
        raise CommandError(
            f"--from {selection.first}: the router knows what it applied since {known_since} for "
            "sure, and would apply older events a second time. Begin there, or give --rebuild "
            "when the tables are empty"
        )
    if rebuild and (selection.name or selection.sender):
        raise CommandError("--rebuild takes all events: leave --event and --user out")


def replay(
    archive: Archive,
    selection: Selection,
    send: Callable[[Sequence[Event]], None],
    counts: Counts,
    *,
    show: bool = False,
) -> None:
    """Send what is selected in the order of receipt, a minute of it at a time."""
    for minute in archive.read(selection.first, selection.last):
        selected = [event for event in minute if selection.has(event)]
        counts.found += len(minute)
        counts.selected += len(selected)
        for some in _parts(selected):
            send(some)
            counts.sent += len(some)
        if show and sys.stderr.isatty():
            print(f"\r{minute[-1].received_at:%Y-%m-%d %H:%M}", end="", file=sys.stderr, flush=True)
    if show and sys.stderr.isatty() and counts.found:
        print("\r", end="", file=sys.stderr)


def _parts(events: Sequence[Event], size: int = 10) -> Iterator[Sequence[Event]]:
    """As many as go into one call to the queue, so that the count is right if one fails."""
    for start in range(0, len(events), size):
        yield events[start : start + size]


def _nothing(_: Sequence[Event]) -> None:
    """Send nothing: a dry run."""


def _tell(counts: Counts, arguments: argparse.Namespace) -> None:
    sent = 0 if arguments.dry_run else counts.sent
    if arguments.json:
        print(json.dumps({"found": counts.found, "selected": counts.selected, "sent": sent}))
        return
    said = "would be sent" if arguments.dry_run else "sent to the router"
    print(f"{counts.selected} of {counts.found} archived events {said}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-24") from None
