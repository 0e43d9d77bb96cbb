"""`stepwell quarantine`: what ingest refused: look, correct, replay, dismiss."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.cli.command import CommandError
from stepwell.cli.field_paths import FieldPathError, with_field, without_field

if TYPE_CHECKING:
    from stepwell.aws.quarantine import State
    from stepwell.aws.quarantine_desk import Problems, QuarantineDesk
    from stepwell.events.quarantine import Entry

HELP = "Look at what ingest refused, correct it, and replay it."
STATES = ("open", "corrected", "replayed", "dismissed")
TO_DO = ("open", "corrected")
_WIDEST = 80
_MANY = 20
"""How many of the commonest errors a list ends with."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and what was done about it."""

    entry: Entry
    state: State

    def summary(self) -> dict[str, Any]:
        entry = self.entry
        return {
            "id": entry.id,
            "state": self.state.name,
            "received_at": f"{entry.received_at:%Y-%m-%dT%H:%M:%S}Z",
            "source": entry.source,
            "event": entry.name,
            "reason": entry.reason,
            "registry": entry.registry,
            "errors": [{"field": path, "message": said} for path, said in entry.errors],
        }


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("quarantine", help=HELP, description=HELP)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="what is there, and the commonest errors")
    _add_filters(listed)
    show = actions.add_parser("show", help="one entry, as it was sent, and all that was done")
    show.add_argument("ids", nargs=1, metavar="ID")
    fix = actions.add_parser("fix", help="keep a correction, if nothing is wrong with it any more")
    fix.add_argument("ids", nargs="+", metavar="ID")
    fix.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="fields")
    fix.add_argument("--remove", action="append", default=[], metavar="PATH")
    fix.add_argument("--file", type=Path, help="the whole call, as JSON")
    replay = actions.add_parser("replay", help="send what is right now to the router")
    replay.add_argument("ids", nargs="*", metavar="ID")
    replay.add_argument("--all", action="store_true", help="all that are open or corrected")
    replay.add_argument(
        "--even-if-old",
        action="store_true",
        help="also what was received more than 26 days ago: an event of the same id that the "
        "router has forgotten is applied again",
    )
    _add_filters(replay)
    for action in (fix, replay):
        action.add_argument(
            "--allow-types",
            action="store_true",
            help="also calls of a type that their write key may not send; only with ids",
        )
    dismiss = actions.add_parser("dismiss", help="close what nothing can be made of")
    dismiss.add_argument("ids", nargs="+", metavar="ID")
    dismiss.add_argument("--reason", required=True, help="why; it stays with the entry")
    for action in (listed, show, fix, replay, dismiss):
        action.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
        action.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--day", type=_day, metavar="DATE", help="received on this day, in UTC")
    parser.add_argument("--event", default="", metavar="NAME", help="only events of this name")
    parser.add_argument("--source", default="", metavar="NAME", help="only from this source")
    parser.add_argument(
        "--state", choices=(*STATES, "all"), help="by default what is open or corrected"
    )


def run(arguments: argparse.Namespace) -> int:
    """1 when something is still wrong. Raises CommandError when it cannot be done."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.quarantine import QuarantineError  # noqa: PLC0415 - as above
    from stepwell.aws.stages import quarantine_desk  # noqa: PLC0415
    from stepwell.events.intake import QueueUnavailableError  # noqa: PLC0415
    from stepwell.events.registry import RegistryUnavailableError  # noqa: PLC0415

    try:
        return _ACTIONS[arguments.action](quarantine_desk(arguments.stage), arguments)
    except (QuarantineError, FieldPathError) as error:
        raise CommandError(str(error)) from error
    except QueueUnavailableError as error:
        said = "the events queue takes no more; replay again: what it took is applied once"
        raise CommandError(said) from error
    except (BotoCoreError, ClientError, RegistryUnavailableError) as error:
        raise CommandError(
            f"stage {arguments.stage}: {str(error) or 'no event registry'}"
        ) from error


# ---------------------------------------------------------------- list and show


def _list(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    found = list(_selected(desk, arguments))
    errors = _counted(found)
    if arguments.json:
        summaries = [each.summary() for each in found]
        print(json.dumps({"entries": summaries, "errors": errors}, indent=2, ensure_ascii=False))
        return 0
    if not found:
        print("Nothing is in quarantine." if arguments.state is None else "There is none.")
        return 0
    rows = [("id", "state", "received", "source", "event", "first error")]
    rows += [
        (
            each.entry.id,
            each.state.name,
            f"{each.entry.received_at:%Y-%m-%d %H:%M}",
            each.entry.source,
            each.entry.name,
            _said(each.entry.errors[0]),
        )
        for each in found
    ]
    _print_table(rows)
    print(f"\n{len(found)} refused call{'' if len(found) == 1 else 's'}. By error:\n")
    _print_table(
        [
            (f"{each['count']:>6}", each["event"], _said((each["field"], each["message"])))
            for each in errors[:_MANY]
        ]
    )
    return 0


def _selected(desk: QuarantineDesk, arguments: argparse.Namespace) -> Iterator[Found]:
    """Those that the filters take, by the time of receipt."""
    from stepwell.aws.quarantine import State  # noqa: PLC0415 - only who lists pays
    from stepwell.events.quarantine import ENTRIES, day_folder  # noqa: PLC0415 - as above

    states = {None: TO_DO, "all": STATES}.get(arguments.state, (arguments.state,))
    touched = desk.bucket.touched()
    prefix = day_folder(arguments.day) if arguments.day else f"{ENTRIES}/"
    for entry in sorted(desk.bucket.entries(prefix), key=lambda each: (each.received_at, each.id)):
        if arguments.event not in ("", entry.name) or arguments.source not in ("", entry.source):
            continue
        state = desk.bucket.state(entry.id) if entry.id in touched else State()
        if state.name in states:
            yield Found(entry, state)


def _counted(found: Sequence[Found]) -> list[dict[str, Any]]:
    """How many calls have each error, the commonest first; places in lists count as one."""
    counts: dict[tuple[str, str, str], int] = {}
    for each in found:
        for path, said in dict.fromkeys(each.entry.errors):
            counts[each.entry.name, path, said] = counts.get((each.entry.name, path, said), 0) + 1
    return [
        {"event": event, "field": path, "message": said, "count": count}
        for (event, path, said), count in sorted(counts.items(), key=lambda one: -one[1])
    ]


def _show(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    entry = desk.bucket.entry(arguments.ids[0])
    state = desk.bucket.state(entry.id)
    if arguments.json:
        document = {
            **Found(entry, state).summary(),
            **entry.document(),
            "text": entry.text,
            "history": state.history,
            "closed": state.closed,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    print(f"{entry.id}  {state.name}\n")
    received = f"{entry.received_at:%Y-%m-%d %H:%M:%S} UTC"
    print(f"{_short(entry.name)} from {entry.source}, received {received},")
    print(f"held to registry {entry.registry[:12]}; refused because:\n")
    for problem in entry.errors:
        print(f"  {_short(_said(problem))}")
    print("\nAs it was sent:\n")
    sent = entry.text or entry.body or json.dumps(entry.call, indent=2, ensure_ascii=False)
    print(_plain(sent))
    ended = [state.closed] if state.closed and state.closed["what"] != "dismissed" else []
    for each in [*state.history, *ended]:
        more = {name: value for name, value in each.items() if name not in ("what", "at", "by")}
        print(f"\n{each['what']} at {each['at']} by {each['by']}")
        if more:
            print(_plain(json.dumps(more, indent=2, ensure_ascii=False)))
    return 0


# ---------------------------------------------------------------- fix, replay, dismiss


def _fix(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    from stepwell.aws.quarantine_desk import Consent  # noqa: PLC0415 - only who corrects pays

    if arguments.file is not None and len(arguments.ids) > 1:
        raise CommandError("--file is one call: give one id, else all become the same event")
    correct, changes = _correction(arguments)
    results: list[tuple[Entry, Problems]] = []
    for entry_id in arguments.ids:
        entry = desk.bucket.entry(entry_id)
        consent = Consent(any_type=arguments.allow_types)
        results.append((entry, desk.fix(entry, correct, changes, datetime.now(UTC), consent)))
    return _tell(results, (), "corrected", arguments)


def _correction(arguments: argparse.Namespace) -> tuple[Callable[[Any], Any], list[str]]:
    """What makes the correction of a call, and how it is noted. Raises CommandError."""
    pairs = [each.partition("=") for each in arguments.fields]
    for path, equals, _ in pairs:
        if not equals:
            raise CommandError(f"--set {path}: write path=value, such as properties.price=9.5")
    changes = [*(f"set {path}" for path, _, _ in pairs), *(f"remove {p}" for p in arguments.remove)]
    whole: Any = None
    if arguments.file is not None:
        changes.insert(0, "replaced by a file")
        try:
            whole = json.loads(arguments.file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(f"{arguments.file}: {error}") from error
    if not changes:
        raise CommandError("say what to correct: --set PATH=VALUE, --remove PATH or --file FILE")

    def correct(call: Any) -> Any:
        corrected = call if arguments.file is None else whole
        for path in arguments.remove:
            corrected = without_field(corrected, path)
        for path, _, text in pairs:
            corrected = with_field(corrected, path, text)
        return corrected

    return correct, changes


def _replay(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    filters = (arguments.day, arguments.event, arguments.source, arguments.state)
    if bool(arguments.ids) == bool(arguments.all or any(filters)):
        raise CommandError("say which: ids, or --all, --day, --event, --source or --state")
    if arguments.state in ("replayed", "dismissed", "all"):
        raise CommandError(f"--state {arguments.state}: only what is open or corrected is replayed")
    if arguments.allow_types and not arguments.ids:
        raise CommandError("--allow-types: name the ids, for strangers may have sent such calls")
    if arguments.ids:
        entries = [desk.bucket.entry(each) for each in arguments.ids]
    else:
        entries = [each.entry for each in _selected(desk, arguments)]
    entries.sort(key=lambda each: (each.received_at, each.id))
    return _tell(*_replayed(desk, entries, arguments), "replayed", arguments)


def _replayed(
    desk: QuarantineDesk, entries: Sequence[Entry], arguments: argparse.Namespace
) -> tuple[list[tuple[Entry, Problems]], list[tuple[Entry, str]]]:
    """What came of each, and why some could not be: one of them does not hold up the others."""
    from stepwell.aws.quarantine import QuarantineError  # noqa: PLC0415 - only who replays pays
    from stepwell.aws.quarantine_desk import Consent  # noqa: PLC0415 - as above

    consent = Consent(old=arguments.even_if_old, any_type=arguments.allow_types)
    results: list[tuple[Entry, Problems]] = []
    failed: list[tuple[Entry, str]] = []
    for entry in entries:
        try:
            results.append((entry, desk.replay(entry, datetime.now(UTC), consent)))
        except QuarantineError as error:
            failed.append((entry, str(error)))
    return results, failed


def _dismiss(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    begun: dict[str, str] = {}
    for entry_id in arguments.ids:
        began = desk.dismiss(desk.bucket.entry(entry_id), arguments.reason, datetime.now(UTC))
        if began:
            begun[entry_id] = began
    if arguments.json:
        print(json.dumps({"dismissed": arguments.ids, "may_have_got_through": sorted(begun)}))
        return 0
    for entry_id, began in begun.items():
        print(f"{entry_id}: its replay began at {began} and may have got through", file=sys.stderr)
    print(f"{len(arguments.ids)} dismissed.")
    return 0


_ACTIONS: dict[str, Callable[[Any, argparse.Namespace], int]] = {
    "list": _list,
    "show": _show,
    "fix": _fix,
    "replay": _replay,
    "dismiss": _dismiss,
}


def _tell(
    results: Sequence[tuple[Entry, Problems]],
    failed: Sequence[tuple[Entry, str]],
    done: str,
    arguments: argparse.Namespace,
) -> int:
    good = [entry.id for entry, problems in results if not problems]
    wrong = [(entry, problems) for entry, problems in results if problems]
    if arguments.json:
        refused = [
            {"id": entry.id, "errors": [{"field": p, "message": m} for p, m in problems]}
            for entry, problems in wrong
        ]
        why = [{"id": entry.id, "message": said} for entry, said in failed]
        document = {done: good, "refused": refused, **({"failed": why} if why else {})}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for entry, problems in wrong:
            print(f"{entry.id} is still wrong:", file=sys.stderr)
            for problem in problems:
                print(f"  {_said(problem)}", file=sys.stderr)
        for _, said in failed:
            print(said, file=sys.stderr)
        print(f"{len(good)} of {len(results) + len(failed)} {done}.")
    return 1 if wrong or failed else 0


def _said(problem: tuple[str, str]) -> str:
    path, said = problem
    return f"{path}: {said}" if path else said


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    shown = [tuple(_short(each) for each in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _short(text: str) -> str:
    """What senders wrote, without what would move a terminal's cursor."""
    printable = "".join(each if each.isprintable() else "?" for each in text)
    return printable if len(printable) <= _WIDEST else f"{printable[: _WIDEST - 1]}…"


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() or each in "\n\t" else "?" for each in text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-24") from None
