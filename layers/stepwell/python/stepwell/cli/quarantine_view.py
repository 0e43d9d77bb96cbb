"""What `stepwell quarantine` shows: which calls wait, the commonest errors, and one entry whole."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.cli.printing import in_one_line, printable

if TYPE_CHECKING:
    from stepwell.aws.quarantine import State
    from stepwell.aws.quarantine_desk import QuarantineDesk
    from stepwell.events.quarantine import Entry

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


def show_list(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
    found = list(selected(desk, arguments))
    errors = _counted(found)
    if arguments.json:
        summaries = [each.summary() for each in found]
        print(json.dumps({"entries": summaries, "errors": errors}, indent=2, ensure_ascii=False))
        return 0
    if not found:
        print(none_of(desk, arguments))
        return 0
    rows = [("id", "state", "received", "source", "event", "first error")]
    rows += [
        (
            each.entry.id,
            each.state.name,
            f"{each.entry.received_at:%Y-%m-%d %H:%M}",
            each.entry.source,
            each.entry.name,
            said_of(each.entry.errors[0]),
        )
        for each in found
    ]
    _print_table(rows)
    print(f"\n{len(found)} refused call{'' if len(found) == 1 else 's'}. By error:\n")
    _print_table(
        [
            (f"{each['count']:>6}", each["event"], said_of((each["field"], each["message"])))
            for each in errors[:_MANY]
        ]
    )
    return 0


def selected(desk: QuarantineDesk, arguments: argparse.Namespace) -> Iterator[Found]:
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


def none_of(desk: QuarantineDesk, arguments: argparse.Namespace) -> str:
    """That the filters take none, and whether anything is there at all."""
    waiting = desk.bucket.waiting()
    if not waiting:
        return "Nothing is in quarantine." if arguments.state is None else "There is none."
    calls = "1 refused call waits" if waiting == 1 else f"{waiting:,} refused calls wait"
    return f"None matches the choice; {calls} in quarantine."


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


def show_one(desk: QuarantineDesk, arguments: argparse.Namespace) -> int:
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
        print(f"  {_short(said_of(problem))}")
    print("\nAs it was sent:\n")
    sent = entry.text or entry.body or json.dumps(entry.call, indent=2, ensure_ascii=False)
    print(printable(sent))
    ended = [state.closed] if state.closed and state.closed["what"] != "dismissed" else []
    for each in [*state.history, *ended]:
        more = {name: value for name, value in each.items() if name not in ("what", "at", "by")}
        print(f"\n{each['what']} at {each['at']} by {each['by']}")
        if more:
            print(printable(json.dumps(more, indent=2, ensure_ascii=False)))
    return 0


def said_of(problem: tuple[str, str]) -> str:
    path, said = problem
    return f"{path}: {said}" if path else said


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    shown = [tuple(_short(each) for each in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def _short(text: str) -> str:
    shown = in_one_line(text)
    return shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
