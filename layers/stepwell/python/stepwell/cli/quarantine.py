"""`stepwell quarantine`: what ingest refused: look, correct, replay, dismiss."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.cli.command import CommandError
from stepwell.cli.field_paths import (
    FieldPathError,
    check_path,
    read_json,
    read_value,
    with_field,
    without_field,
)
from stepwell.cli.quarantine_outcome import Outcome
from stepwell.cli.quarantine_view import STATES, none_of, selected, show_list, show_one
from stepwell.events.body import with_whole_characters

if TYPE_CHECKING:
    from stepwell.aws.quarantine_desk import Problems, QuarantineDesk
    from stepwell.events.quarantine import Entry

HELP = "Look at what ingest refused, correct it, and replay it."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("quarantine", help=HELP, description=HELP)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="what is there, and the commonest errors")
    _add_filters(listed)
    show = actions.add_parser("show", help="one entry, as it was sent, and all that was done")
    show.add_argument("ids", nargs=1, metavar="ID", type=_text)
    fix = actions.add_parser("fix", help="keep a correction, if nothing is wrong with it any more")
    fix.add_argument("ids", nargs="+", metavar="ID", type=_text)
    several: dict[str, Any] = {"action": "append", "default": [], "type": _text}
    fix.add_argument("--set", metavar="PATH=VALUE", dest="fields", **several)
    fix.add_argument("--remove", metavar="PATH", **several)
    fix.add_argument("--file", type=Path, help="the whole call, as JSON")
    replay = actions.add_parser("replay", help="send what is right now to the router")
    replay.add_argument("ids", nargs="*", metavar="ID", type=_text)
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
    dismiss.add_argument("ids", nargs="+", metavar="ID", type=_text)
    dismiss.add_argument("--reason", required=True, type=_text, help="why; it stays with the entry")
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


# ---------------------------------------------------------------- fix, replay, dismiss


def _fix(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    from stepwell.aws.quarantine_desk import Consent  # noqa: PLC0415 - only who corrects pays

    if arguments.file is not None and len(arguments.ids) > 1:
        raise CommandError("--file is one call: give one id, else all become the same event")
    correct, changes = _correction(arguments)
    consent = Consent(any_type=arguments.allow_types)

    def fix(entry: Entry) -> Problems:
        return desk.fix(entry, correct, changes, datetime.now(UTC), consent)

    outcome = Outcome("corrected")
    return outcome.of(_named(desk, arguments.ids, outcome), fix, as_json=arguments.json)


def _correction(arguments: argparse.Namespace) -> tuple[Callable[[Any], Any], list[str]]:
    """What makes the correction of a call, and how it is noted. Raises CommandError."""
    fields = [_field(each) for each in arguments.fields]
    for path in arguments.remove:
        check_path(path)
    changes = [*(f"set {path}" for path, _ in fields), *(f"remove {p}" for p in arguments.remove)]
    whole: Any = None
    if arguments.file is not None:
        changes.insert(0, "replaced by a file")
        whole = _whole_call(arguments.file)
    if not changes:
        raise CommandError("say what to correct: --set PATH=VALUE, --remove PATH or --file FILE")

    def correct(call: Any) -> Any:
        corrected = call if arguments.file is None else whole
        if corrected is None:
            said = "its body could not be read as a JSON object; give the whole call with --file"
            raise FieldPathError(said)
        for path in arguments.remove:
            corrected = without_field(corrected, path)
        for path, value in fields:
            corrected = with_field(corrected, path, value)
        return corrected

    return correct, changes


def _field(given: str) -> tuple[str, Any]:
    """Path and value of `--set`. Raises CommandError and FieldPathError."""
    path, equals, text = given.partition("=")
    if not equals:
        raise CommandError(f"--set {path}: write path=value, such as properties.price=9.5")
    check_path(path)
    try:
        return path, read_value(text)
    except ValueError as error:
        said = f"the value {error}; a text that looks so is put between double quotes"
        raise CommandError(f"--set {path}: {said}") from error


def _whole_call(file: Path) -> Any:
    """Raises CommandError."""
    try:
        return read_json(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file}: {error}") from error


def _replay(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    from stepwell.aws.quarantine_desk import Consent  # noqa: PLC0415 - only who replays pays

    _check_choice(arguments)
    outcome = Outcome("replayed")
    if arguments.ids:
        entries = _named(desk, arguments.ids, outcome)
    else:
        entries = [each.entry for each in selected(desk, arguments)]
        if not entries and (arguments.day or arguments.event or arguments.source):
            raise CommandError(f"nothing to replay. {none_of(desk, arguments)}")
    entries.sort(key=lambda each: (each.received_at, each.id))
    consent = Consent(old=arguments.even_if_old, any_type=arguments.allow_types)

    def replay(entry: Entry) -> Problems:
        return desk.replay(entry, datetime.now(UTC), consent)

    return outcome.of(entries, replay, as_json=arguments.json)


def _check_choice(arguments: argparse.Namespace) -> None:
    """Raises CommandError for a choice of what to replay that is none, or two."""
    filters = (arguments.day, arguments.event, arguments.source, arguments.state)
    if bool(arguments.ids) == bool(arguments.all or any(filters)):
        raise CommandError("say which: ids, or --all, --day, --event, --source or --state")
    if arguments.state in ("replayed", "dismissed", "all"):
        raise CommandError(f"--state {arguments.state}: only what is open or corrected is replayed")
    if arguments.allow_types and not arguments.ids:
        raise CommandError("--allow-types: name the ids, for strangers may have sent such calls")


def _dismiss(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    if not arguments.reason.strip():
        raise CommandError("--reason: say why; it is all that stays known of the decision")
    outcome = Outcome("dismissed")

    def dismiss(entry: Entry) -> Problems:
        began = desk.dismiss(entry, arguments.reason, datetime.now(UTC))
        if began:
            outcome.begun[entry.id] = began
        return ()

    return outcome.of(_named(desk, arguments.ids, outcome), dismiss, as_json=arguments.json)


def _named(desk: QuarantineDesk, ids: Sequence[str], outcome: Outcome) -> list[Entry]:
    """Each once; of those that there are not, the outcome tells."""
    from stepwell.aws.quarantine import QuarantineError  # noqa: PLC0415 - dear

    entries: list[Entry] = []
    for entry_id in dict.fromkeys(ids):
        try:
            entries.append(desk.bucket.entry(entry_id))
        except QuarantineError as error:
            outcome.failed.append((entry_id, str(error)))
    return entries


_ACTIONS: dict[str, Callable[[Any, argparse.Namespace], int]] = {
    "list": show_list,
    "show": show_one,
    "fix": _fix,
    "replay": _replay,
    "dismiss": _dismiss,
}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-24") from None


def _text(given: str) -> str:
    """A byte that is no UTF-8 comes as half a character, which nothing can store or print."""
    return str(with_whole_characters(given))
