"""`stepwell send`: send the calls of a JSON Lines file to an API, in their order.

A file with a broken line is not sent at all. A call that the API refuses holds up no other; where
the API itself is gone, the report says from which line on to go on.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.cli.audience_scan import Progress
from stepwell.cli.calls import Calls, Problem, Sender, batches
from stepwell.cli.command import CommandError
from stepwell.cli.http import DEFAULT_URL, ApiError
from stepwell.cli.printing import first_of

BATCH = 50
"""Calls a request; 50 events of the largest size would not fit, so bytes are counted as well."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "send", help="Send a JSON Lines file of track, identify and other calls."
    )
    parser.add_argument("file", type=Path, help="one call a line; - is standard input")
    parser.add_argument("--url", default=DEFAULT_URL, help="the API (default: %(default)s)")
    parser.add_argument("--write-key", default="local", help="the source's key (default: local)")
    parser.add_argument(
        "--from-line", type=int, default=1, metavar="N", help="leave out the lines before"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Refused:
    line: int
    problems: Sequence[Problem]


@dataclass(slots=True)
class Report:
    """`stopped` is why the calls from the line `rest` on were not sent, if they were not."""

    sent: int = 0
    refused: list[Refused] = field(default_factory=list)
    stopped: str = ""
    rest: int = 0
    by_user: bool = False
    """Whether they stopped it themselves."""

    @property
    def answered(self) -> int:
        return self.sent + len(self.refused)

    @property
    def advice(self) -> str:
        return (
            f"{self.stopped}. The calls from line {self.rest} on were not sent: go on with "
            f"--from-line {self.rest}"
        )


def run(arguments: argparse.Namespace) -> int:
    """1 when calls were refused. Raises CommandError when not all could be sent, and
    KeyboardInterrupt when the user stopped it, all told.
    """
    calls = read_calls(arguments.file, arguments.from_line)
    sender = Sender(arguments.url, arguments.write_key)
    report = send(calls, sender, show=not arguments.json)
    if arguments.json:
        print(json.dumps(_document(report)))
    else:
        _tell(report, _name(arguments.file))
    if report.by_user:
        print(f"stepwell: {report.advice}", file=sys.stderr)
        raise KeyboardInterrupt
    if report.stopped:
        raise CommandError(report.advice)
    return 1 if report.refused else 0


# ---------------------------------------------------------------- the file


def read_calls(path: Path, first: int = 1) -> list[Calls]:
    """Each call with its line, from the line `first` on. Raises CommandError with what is wrong."""
    calls, broken = list[Calls](), list[str]()
    run = secrets.token_hex(8)
    lines = _read(path).removesuffix("\n").split("\n")
    if not 1 <= first <= len(lines):
        raise CommandError(f"--from-line {first}: the lines of {_name(path)} are 1 to {len(lines)}")
    for number, line in enumerate(lines, start=1):
        if number < first or not line.strip():
            continue
        try:
            call = _call(line)
        except ValueError as error:
            broken.append(f"{_name(path)}:{number}: {error}")
        else:
            # As SDKs do: so a batch that is tried again counts once.
            calls.append(Calls(number, ({"messageId": f"send-{run}-{number}"} | call,)))
    if broken:
        raise CommandError("\n  ".join(["nothing was sent:", *first_of(broken)]))
    return calls


def _call(line: str) -> dict[str, Any]:
    """Raises ValueError saying what is wrong. Most is left to the API, which tells it as well."""
    from stepwell.events.body import MAX_BODY_LEVELS, is_deeper  # noqa: PLC0415 - only who sends
    from stepwell.events.lines import check_type, read_object  # noqa: PLC0415 - as above

    call = read_object(line)
    check_type(call)
    if is_deeper(call, MAX_BODY_LEVELS):
        raise ValueError("is nested too deep; correct it")
    return call


def _read(path: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        said = "is no UTF-8 text; save the file as UTF-8"
        raise CommandError(f"{_name(path)}:{line}: {said}") from error


def _name(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


# ---------------------------------------------------------------- sending


def send(calls: Sequence[Calls], sender: Sender, *, show: bool) -> Report:
    """As far as the API can be asked; the report says how far that is."""
    report = Report()
    progress = Progress("calls", show=show)
    try:
        for each, problems in _answers(calls, sender):
            if problems:
                report.refused.append(Refused(each.line, problems))
            else:
                report.sent += 1
            progress.tell(report.answered, len(calls))
    except ApiError as error:
        report.stopped, report.rest = str(error), calls[report.answered].line
    except KeyboardInterrupt:
        if report.answered == len(calls):  # nothing is left that could be stopped
            return report
        report.stopped, report.rest = "stopped by Ctrl-C", calls[report.answered].line
        report.by_user = True
    finally:
        progress.end()
    return report


def _answers(calls: Sequence[Calls], sender: Sender) -> Iterator[tuple[Calls, list[Problem]]]:
    for batch in batches(calls, BATCH):
        yield from sender.send(batch)


# ---------------------------------------------------------------- the report


def _document(report: Report) -> dict[str, Any]:
    refused = [
        {
            "line": each.line,
            "errors": [{"field": one.field, "message": one.message} for one in each.problems],
        }
        for each in report.refused
    ]
    stopped = {"stopped": {"line": report.rest, "why": report.stopped}} if report.stopped else {}
    return {"sent": report.sent, "refused": refused, **stopped}


def _tell(report: Report, name: str) -> None:
    told = [f"{name}:{each.line}: {'; '.join(map(str, each.problems))}" for each in report.refused]
    for each in first_of(told):
        print(each, file=sys.stderr)
    refused = f", {len(report.refused):,} refused" if report.refused else ""
    rest = ", the rest not sent" if report.stopped else ""
    print(f"{report.sent:,} {'call' if report.sent == 1 else 'calls'} sent{refused}{rest}")
