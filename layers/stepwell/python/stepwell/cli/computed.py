"""`stepwell computed recompute`: computed traits from the archive, after a definition was changed.

Reads the whole archive once, then writes every customer whose events there are those that were
applied. Repeating it is harmless: who is right already is not written again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError

if TYPE_CHECKING:
    from stepwell.aws.archive import Archive
    from stepwell.aws.recomputing import DeployedStage
    from stepwell.events.model import Event
    from stepwell.profile.recomputing import Differing, Recomputation, Settled
    from stepwell.storage.operations import Update

PAUSE = 5.0
"""Seconds between two rounds: events that are on their way are archived and applied meanwhile."""
_TELLS_EVERY = 5.0
_SHOWN = 20

HELP = "Compute the traits of all customers from the archive."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("computed", help="Computed traits: compute them anew.")
    inside = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    recompute = inside.add_parser("recompute", help=HELP, description=HELP)
    recompute.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
    recompute.add_argument("--dry-run", action="store_true", help="count, and write nothing")
    recompute.add_argument(
        "--rounds", type=_rounds, default=5, metavar="N", help="look at who differs N times (5)"
    )
    recompute.add_argument(
        "--unproven",
        action="store_true",
        help="also write who differs: the archive is taken to be right",
    )
    recompute.add_argument("--json", action="store_true", help="print the result as JSON")
    recompute.set_defaults(run=run)


@dataclass(slots=True)
class Result:
    """`differing` are who is left after the last round."""

    events: int = 0
    nobodys: int = 0
    uncounted: int = 0
    written: int = 0
    already: int = 0
    assumed: int = 0
    seconds: float = 0.0
    differing: list[Differing] = field(default_factory=list)

    def after(self, settled: Settled) -> None:
        self.written += settled.written
        self.already += settled.already
        self.assumed += settled.assumed
        self.differing = settled.differing


def run(arguments: argparse.Namespace) -> int:
    """0 when everybody is right now, 1 when some are left. Raises CommandError."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.archive import ArchiveError  # noqa: PLC0415 - as above
    from stepwell.aws.recomputing import deployed_stage  # noqa: PLC0415
    from stepwell.storage.operations import StoreBusyError  # noqa: PLC0415

    writing = Writing(is_dry=arguments.dry_run)
    try:
        result = recompute(deployed_stage(arguments.stage), arguments, writing)
    except (ArchiveError, BotoCoreError, ClientError, StoreBusyError) as error:
        said = "; run it again: who is written stays so" if writing.began else ""
        raise CommandError(f"stage {arguments.stage}: {error}{said}") from error
    _print(result, arguments)
    return 1 if result.differing else 0


@dataclass(slots=True)
class Writing:
    """Writes to a stage, or in a dry run nothing. `began`: whether somebody may be written now."""

    is_dry: bool
    began: bool = False

    def __call__(self, stage: DeployedStage, updates: Sequence[Update]) -> list[bool]:
        """Of each, whether its condition held."""
        if self.is_dry:
            return [True] * len(updates)
        self.began |= bool(updates)
        return stage.write(updates)


def recompute(stage: DeployedStage, arguments: argparse.Namespace, writing: Writing) -> Result:
    from stepwell.customers.owners import Owners  # noqa: PLC0415 - only who recomputes pays
    from stepwell.profile.recomputing import Recomputation  # noqa: PLC0415 - as above

    rules, began = stage.policies.profile, time.monotonic()
    if not rules.computed:
        raise CommandError(f"stage {arguments.stage} has no computed traits")
    owners = Owners(stage.store, stage.hasher, stage.policies.identities)
    recomputation = Recomputation(stage.store, owners, rules)
    tail, progress = Tail(stage.archive), _Progress(recomputation, show=not arguments.json)
    result = Result()
    for number in range(arguments.rounds):
        if number:
            time.sleep(PAUSE)
        for minute in tail.read():
            recomputation.take(minute)
            progress.tell(minute[-1].received_at)
        if not stage.still_has_them():
            raise CommandError("other definitions were deployed meanwhile: run it again")
        due = recomputation.until if stage.name == "local" else datetime.now(UTC)
        write = partial(writing, stage)
        result.after(recomputation.settle(write, due, unproven=arguments.unproven))
        progress.settled(number + 1, result)
        if not result.differing:
            break
    result.events, result.nobodys = recomputation.events, recomputation.nobodys
    result.uncounted = recomputation.uncounted
    result.seconds = round(time.monotonic() - began, 1)
    return result


class Tail:
    """The archive, each object once: a batch may be archived days after its events' receipt."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: set[str] = set()
        self._from: date | None = None

    def read(self) -> Iterator[list[Event]]:
        """All there is, in order; when it is read again, what has come since."""
        from stepwell.profile.recomputing import IN_QUEUE  # noqa: PLC0415 - only who recomputes

        days = self._archive.days()
        if not days:
            return
        first, last = days
        recent = max(first, last - IN_QUEUE)
        if self._from is None:
            yield from self._archive.read(first, recent - timedelta(days=1))
            self._from = recent
        yield from self._archive.read(self._from, last, self._known)


@dataclass(slots=True)
class _Progress:
    """Lines on standard error, so that nobody has to guess whether it goes on."""

    recomputation: Recomputation
    show: bool
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def tell(self, minute: datetime) -> None:
        now = time.monotonic()
        if not self.show or now - self.last < _TELLS_EVERY:
            return
        self.last, work = now, self.recomputation
        rate = work.events / (now - self.began)
        said = f"{work.events:,} events, {rate:,.0f}/s, {work.customers:,} customers"
        print(f"{minute:%Y-%m-%d %H:%M}  {said}", file=sys.stderr, flush=True)

    def settled(self, number: int, result: Result) -> None:
        if self.show:
            said = f"{result.written:,} written, {len(result.differing):,} differ"
            print(f"round {number}: {said}", file=sys.stderr, flush=True)


def _print(result: Result, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(asdict(result)))
        return
    verb = "would be written" if arguments.dry_run else "written"
    assumed = f" ({result.assumed:,} of them unproven)" if result.assumed else ""
    print(
        f"{result.events:,} events: {result.written:,} customers {verb}{assumed}, "
        f"{result.already:,} were right, {len(result.differing):,} differ"
    )
    for each in result.differing[:_SHOWN]:
        applied = "an unknown number" if each.applied is None else f"{each.applied:,}"
        print(f"  {each.customer}: {each.archived:,} in the archive, {applied} applied")
    if len(result.differing) > _SHOWN:
        print("  … --json has them all")


def _rounds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
