"""`stepwell list`: customers on a list, from a file and into one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.admin_api import AUDIENCES, Admin, add_place
from stepwell.cli.calls import Sender
from stepwell.cli.command import CommandError
from stepwell.cli.http import DEFAULT_URL, ApiError
from stepwell.cli.printing import first_of, printable
from stepwell.cli.segment import AUDIENCE_ACTIONS, Action, add_audience_actions, run_actions

if TYPE_CHECKING:
    from stepwell.cli.list_file import ListFile, Rejected
    from stepwell.cli.list_import import Import, Report

HELP = "Import, count, sample and export lists of customers."
_MOST_A_SECOND = 100_000


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("list", help=HELP, description=HELP)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    names = actions.add_parser("names", help="the lists that are declared")
    taking = add_audience_actions(actions, "LIST")
    brings = actions.add_parser("import", help="bring the customers of a file on a list")
    brings.add_argument("name", metavar="LIST")
    brings.add_argument("file", type=Path, metavar="FILE", help=".csv or .jsonl")
    brings.add_argument(
        "--create", action="store_true", help="who is named and not known becomes a customer"
    )
    brings.add_argument(
        "--replace", action="store_true", help="who is on the list and not in the file leaves it"
    )
    brings.add_argument(
        "--allow-empty",
        action="store_true",
        help="with --replace: a file that names nobody takes everybody off",
    )
    brings.add_argument("--dry-run", action="store_true", help="send nothing, and report as if")
    brings.add_argument("--rate", type=_rate, default=0, metavar="N", help="lines a second at most")
    brings.add_argument("--write-key", default="local", help="the source's key (default: local)")
    brings.add_argument(
        "--send-to", metavar="URL", help="the API that calls go to; by default that of --url"
    )
    for action in (names, brings, *taking):
        add_place(action)
        action.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    return run_actions(_ACTIONS, "lists", arguments)


def _names(admin: Admin, _: str, arguments: argparse.Namespace) -> int:
    found = admin.ask(AUDIENCES)
    if arguments.json:
        print(json.dumps({"lists": found["lists"], "rules": found["rules"]}))
    elif found["lists"]:
        print("\n".join(found["lists"]))
    else:
        print(f"{admin.place} has no lists; they are declared in statemachines/segments.yaml.")
    return 0


def _import(admin: Admin, _: str, arguments: argparse.Namespace) -> int:
    """1 when lines were rejected."""
    from stepwell.cli.list_file import ListFileError, open_list  # noqa: PLC0415 - only who imports
    from stepwell.cli.list_import import Import  # noqa: PLC0415 - as above

    url = _url_of_calls(arguments)
    _check_name(admin, arguments.name)
    try:
        file = open_list(arguments.file)
        _check_not_empty(file, arguments)
        importing = Import(
            admin,
            Sender(url, arguments.write_key),
            arguments.name,
            file,
            create=arguments.create,
            send=not arguments.dry_run,
            show=not arguments.json,
            rate=arguments.rate,
        )
        report = _run(importing, replace=arguments.replace)
    except ListFileError as error:
        raise CommandError(str(error)) from error
    if arguments.json:
        print(json.dumps(_document(report, arguments, file.unused), indent=2))
    else:
        _tell(report, arguments, file.unused)
    return 1 if report.rejected or report.duplicates or report.not_left else 0


def _run(importing: Import, *, replace: bool) -> Report:
    """Raises CommandError with what was taken before it broke off; a user who stops it is told."""
    try:
        return importing.run(replace=replace)
    except ApiError as error:
        raise CommandError(f"{error}. {_so_far(importing.report, replace=replace)}") from error
    except KeyboardInterrupt:
        so_far = _so_far(importing.report, replace=replace)
        print(f"stepwell: stopped. {so_far}", file=sys.stderr)
        raise


def _so_far(report: Report, *, replace: bool) -> str:
    """Confirmed is what was answered: it is queued, and what was under way may be as well."""
    if not report.any_sent:
        return "Nothing was sent"
    leaving = f" and {report.left:,} who leave it" if replace else ""
    return (
        f"The API had confirmed {report.joined:,} customers who join the list{leaving} by then, "
        f"which shows within moments; {report.already:,} were on it already. Import the file "
        "again: what was taken is not taken twice"
    )


def _url_of_calls(arguments: argparse.Namespace) -> str:
    if arguments.stage and not arguments.send_to:
        raise CommandError(
            "--stage says where customers are looked up; say with --send-to at which URL the "
            "stage's API takes calls, as `cdk deploy` printed it"
        )
    return str(arguments.send_to or arguments.url or DEFAULT_URL)


def _check_name(admin: Admin, name: str) -> None:
    """Raises CommandError with the lists that there are."""
    declared = admin.ask(AUDIENCES)["lists"]
    if name not in declared:
        raise CommandError(
            f"{admin.place} has no list {name!r}; it has: {', '.join(declared) or 'none'}. Declare "
            "it under `lists:` in statemachines/segments.yaml, and deploy"
        )


def _check_not_empty(file: ListFile, arguments: argparse.Namespace) -> None:
    """Raises CommandError: a file that names nobody is more often a failed export than meant."""
    if not arguments.replace or arguments.allow_empty or next(file.read(), None) is not None:
        return
    raise CommandError(
        f"{file.path} names nobody, and --replace would take everybody off {arguments.name}; "
        "nothing was changed. To empty the list, say --allow-empty as well"
    )


def _document(
    report: Report, arguments: argparse.Namespace, unused: Sequence[str]
) -> dict[str, object]:
    def shown(lines: Sequence[Rejected]) -> list[dict[str, object]]:
        return [{"line": each.line, "why": each.why} for each in _by_line(lines)]

    return {
        "list": arguments.name,
        "sent": not arguments.dry_run,
        "lines": report.lines,
        "joined": report.joined,
        "created": report.created,
        "already": report.already,
        "left": report.left,
        "rejected": shown(report.rejected),
        "duplicates": shown(report.duplicates),
        "unused": list(unused),
        **({"not_left": report.not_left} if report.not_left else {}),
    }


def _tell(report: Report, arguments: argparse.Namespace, unused: Sequence[str]) -> None:
    would = "would be " if arguments.dry_run else ""
    created = f", {report.created:,} of them as new customers" if report.created else ""
    print(f"{report.lines:,} lines: {report.joined:,} {would}sent to join the list{created}")
    print(f"{report.already:,} were on it already")
    if arguments.replace and not report.not_left:
        print(f"{report.left:,} {would}sent to leave it")
    if unused:
        parts = "columns" if arguments.file.suffix.lower() == ".csv" else "members"
        print(f"{parts} that were not used: {printable(', '.join(unused))}")
    for what, lines in (("rejected", report.rejected), ("named twice", report.duplicates)):
        if lines:
            print(f"\n{len(lines):,} {what}:", file=sys.stderr)
        told = [f"{arguments.file}:{each.line}: {each.why}" for each in _by_line(lines)]
        for each in first_of(told, "; --json has all"):
            print(f"  {each}", file=sys.stderr)
    if report.not_left:
        print(f"\n{report.not_left}", file=sys.stderr)


def _by_line(lines: Sequence[Rejected]) -> list[Rejected]:
    return sorted(lines, key=lambda each: each.line)


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_A_SECOND):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines a second")
    return int(text)


_ACTIONS: dict[str, Action] = {"names": _names, "import": _import, **AUDIENCE_ACTIONS}
