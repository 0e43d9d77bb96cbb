"""`stepwell segment`: who is in a segment, and why. Asked of what is deployed, not of the files."""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.cli.admin_api import AUDIENCES, CUSTOMER, Admin, add_place, admin_of, check_customer
from stepwell.cli.audience_scan import Taken, take
from stepwell.cli.command import CommandError
from stepwell.cli.exports import FORMATS, Export
from stepwell.cli.knowing import lines_of, told_from
from stepwell.cli.printing import Row, local_time, print_table, printable

HELP = "Count, sample, export and explain segments, as they are deployed."
DEFAULT_PARTS = 4
MOST_PARTS = 64
_MOST_SAMPLED = 1000
_utc = partial(local_time, zone=ZoneInfo("UTC"))


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("segment", help=HELP, description=HELP)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="the segments that are in force")
    explain = actions.add_parser("explain", help="why a customer is in a segment, or is not")
    explain.add_argument("name", metavar="SEGMENT")
    explain.add_argument("customer", help="any id, email, phone or device token of theirs")
    taking = add_audience_actions(actions, "SEGMENT")
    for action in (listed, explain, *taking):
        add_place(action)
        action.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def add_audience_actions(actions: Any, named: str) -> Sequence[argparse.ArgumentParser]:
    """count, sample and export, of a segment or a list."""
    count = actions.add_parser("count", help="how many are in it now")
    sample = actions.add_parser("sample", help="some of them, by chance")
    sample.add_argument("--size", type=_size, default=10, help="how many (default: %(default)s)")
    sample.add_argument(
        "--seed", default="", help="the same customers for the same text; without, always others"
    )
    export = actions.add_parser("export", help="all of them, into a file")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help=".csv or .jsonl")
    export.add_argument(
        "--traits", default="", metavar="NAMES", help="traits to add, such as plan,first_name"
    )
    for action in (count, sample, export):
        action.add_argument("name", metavar=named)
        action.add_argument(
            "--parallel",
            type=_parts,
            default=DEFAULT_PARTS,
            metavar="N",
            help="parts of the table that are read at once (default: %(default)s)",
        )
    return count, sample, export


def run(arguments: argparse.Namespace) -> int:
    return run_actions(_ACTIONS, "segments", arguments)


Action = Callable[[Admin, str, argparse.Namespace], int]


def run_actions(actions: dict[str, Action], kind: str, arguments: argparse.Namespace) -> int:
    """`kind` is `segments` or `lists`. Raises CommandError when it cannot be done."""
    if "name" in arguments:
        _check_name(kind, arguments.name)
    return actions[arguments.action](admin_of(arguments), kind, arguments)


def _check_name(kind: str, name: str) -> None:
    """Raises CommandError for what cannot be a name, before anything is asked by it."""
    from stepwell.journeys.compiler.profile.documents import wrong_name  # noqa: PLC0415 - pydantic

    if (wrong := wrong_name(name)) is not None:
        listing = "list names" if kind == "lists" else "segment list"
        raise CommandError(f"{wrong}. `stepwell {listing}` shows which there are")


# ---------------------------------------------------------------- list and explain


def _list(admin: Admin, _: str, arguments: argparse.Namespace) -> int:
    found = admin.ask(AUDIENCES)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    if not found["segments"]:
        print(f"{admin.place} has no segments; they are declared in statemachines/segments.yaml.")
        return 0
    _table(
        "segments",
        [
            {
                "segment": each["name"],
                "by time": "yes" if each["changes_by_time"] else "",
                "when": each["when"],
            }
            for each in found["segments"]
        ],
    )
    print(f"\n{_by_rules(admin, found)}")
    return 0


def _explain(admin: Admin, _: str, arguments: argparse.Namespace) -> int:
    check_customer(arguments.customer)
    found = admin.ask(CUSTOMER, arguments.customer, query={"explain": arguments.name})
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    print(printable(f"{found['customer']} {_where(found)}\n"))
    for line in lines_of(found["why"]):
        print(printable(line))
    for name, evidence in found["computed"].items():
        told = told_from(evidence, _utc, most=10)
        print(printable(f"\n{name} ({evidence['kind']}): {told}"))
    changes = found["changes_at"]
    when = f"may change it at {_utc(changes)} UTC" if changes else "does not change it"
    print(f"\nTime alone {when}.")
    print(_by_rules(admin, found))
    return 0


def _where(found: Row) -> str:
    """Whether inside, as it is now and as the last event or sweep found it."""
    name, at = found["segment"], found["since"]
    since = f"since {_utc(at)} UTC"
    if found["inside"]:
        return f"is in {name} {since}" if at else f"is in {name}; no event or sweep found it yet"
    return f"is not in {name} any more; was, {since}" if at else f"is not in {name}"


# ---------------------------------------------------------------- count, sample and export


def _count(admin: Admin, kind: str, arguments: argparse.Namespace) -> int:
    taken = Taken()
    for _ in _pages(admin, kind, arguments, taken, {"show": "count"}):
        pass
    if arguments.json:
        print(json.dumps({"audience": f"{kind}.{arguments.name}", **taken.document()}))
    else:
        print(f"{taken.members:,} of {taken.looked_at:,} customers are in {arguments.name}")
        print(_by_rules(admin, taken.document()))
    return 0


def _sample(admin: Admin, kind: str, arguments: argparse.Namespace) -> int:
    """Whose hash with the seed is smallest: by chance, in whatever order pages come."""
    import secrets  # noqa: PLC0415 - only who samples pays

    seed = arguments.seed or secrets.token_hex(8)
    taken, kept = Taken(), list[tuple[str, Row]]()
    for page in _pages(admin, kind, arguments, taken, {}):
        drawn = [(_lot(seed, each["customer"]), each) for each in page]
        kept = heapq.nsmallest(arguments.size, [*kept, *drawn], key=lambda one: one[0])
    sampled = [each for _, each in kept]
    if arguments.json:
        named = {"audience": f"{kind}.{arguments.name}", "seed": seed, **taken.document()}
        print(json.dumps({**named, "customers": sampled}, indent=2))
        return 0
    _table(
        arguments.name,
        [
            {
                "customer": each["customer"],
                "known as": each["user_id"] or each["anonymous_id"] or "",
                "since": _utc(each["since"]),
            }
            for each in sampled
        ],
    )
    print(f"\n{len(sampled)} of {taken.members:,} in {arguments.name}, drawn with --seed {seed}")
    print(_by_rules(admin, taken.document()))
    return 0


def _lot(seed: str, customer: str) -> str:
    return hashlib.sha256(f"{seed}\n{customer}".encode()).hexdigest()


def _export(admin: Admin, kind: str, arguments: argparse.Namespace) -> int:
    """Into a file beside it first, so that a file by the name is always a whole one."""
    out: Path = arguments.out
    if out.suffix not in FORMATS:
        raise CommandError(f"--out {out}: name a file that ends with {' or '.join(FORMATS)}")
    traits = [each for each in arguments.traits.split(",") if each]
    taken = Taken()
    query = {"traits": ",".join(traits)} if traits else {}
    try:
        with Export(out, traits) as export:
            for page in _pages(admin, kind, arguments, taken, query):
                export.write(page)
    except OSError as error:
        raise CommandError(f"{out}: {error.strerror}") from error
    if arguments.json:
        named = {"audience": f"{kind}.{arguments.name}", "file": str(out)}
        print(json.dumps({**named, **taken.document()}))
    else:
        print(f"{taken.members:,} of {taken.looked_at:,} customers written to {out}")
        print(_by_rules(admin, taken.document()))
    return 0


def _pages(
    admin: Admin, kind: str, arguments: argparse.Namespace, taken: Taken, query: dict[str, str]
) -> Any:
    return take(
        admin,
        f"{kind}.{arguments.name}",
        parts=arguments.parallel,
        query=query,
        taken=taken,
        show=not arguments.json,
    )


def _by_rules(admin: Admin, found: Row) -> str:
    at = f"{_utc(found.get('to') or found['at'])} UTC"
    return f"At {at}, by the rules {found['rules'][:12]} that are in force at {admin.place}."


def _table(title: str, rows: Sequence[Row]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only who looks at tables pays for it

    print_table(Console(), title, rows)


AUDIENCE_ACTIONS: dict[str, Action] = {"count": _count, "sample": _sample, "export": _export}
_ACTIONS: dict[str, Action] = {"list": _list, "explain": _explain, **AUDIENCE_ACTIONS}


def _parts(text: str) -> int:
    return _between(text, 1, MOST_PARTS)


def _size(text: str) -> int:
    return _between(text, 1, _MOST_SAMPLED)


def _between(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)
