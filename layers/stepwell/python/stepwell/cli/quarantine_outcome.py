"""What came of several refused calls: one that cannot be worked on holds up none of the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepwell.cli.field_paths import FieldPathError
from stepwell.cli.quarantine_view import said_of

if TYPE_CHECKING:
    from stepwell.aws.quarantine_desk import Problems
    from stepwell.events.quarantine import Entry


@dataclass(slots=True)
class Outcome:
    """`what` is done, as "replayed". `wrong` still is what it says, `failed` could not be done,
    and `stopped_at` is the id at which all broke off. `begun`: when replays of the dismissed began.
    """

    what: str
    done: list[str] = field(default_factory=list)
    wrong: list[tuple[str, Problems]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    stopped_at: str = ""

    def of(
        self, entries: Sequence[Entry], work: Callable[[Entry], Problems], *, as_json: bool
    ) -> int:
        """1 when not all was done. It is told also when `work` raises what ends the command."""
        total = len(entries) + len(self.failed)
        try:
            for entry in entries:
                self.stopped_at = entry.id
                self._add(entry, work)
            self.stopped_at = ""
        finally:
            if as_json:
                print(json.dumps(self._document(), indent=2, ensure_ascii=False))
            else:
                self._tell(total)
        return 1 if self.wrong or self.failed else 0

    def _add(self, entry: Entry, work: Callable[[Entry], Problems]) -> None:
        from stepwell.aws.quarantine import QuarantineError  # noqa: PLC0415 - dear

        try:
            problems = work(entry)
        except QuarantineError as error:
            self.failed.append((entry.id, str(error)))
        except FieldPathError as error:
            self.failed.append((entry.id, f"{entry.id}: {error}"))
        else:
            if problems:
                self.wrong.append((entry.id, problems))
            else:
                self.done.append(entry.id)

    def _document(self) -> dict[str, Any]:
        stopped = {"stopped_at": self.stopped_at} if self.stopped_at else {}
        if self.what == "dismissed":
            refused = _refused((entry_id, [("", said)]) for entry_id, said in self.failed)
            got_through = {"may_have_got_through": sorted(self.begun)}
            return {self.what: self.done, "refused": refused, **got_through, **stopped}
        why = [{"id": entry_id, "message": said} for entry_id, said in self.failed]
        failed = {"failed": why} if why else {}
        return {self.what: self.done, "refused": _refused(self.wrong), **failed, **stopped}

    def _tell(self, total: int) -> None:
        for entry_id, problems in self.wrong:
            print(f"{entry_id} is still wrong:", file=sys.stderr)
            for problem in problems:
                print(f"  {said_of(problem)}", file=sys.stderr)
        for _, said in self.failed:
            print(said, file=sys.stderr)
        for entry_id, began in self.begun.items():
            said = f"{entry_id}: its replay began at {began} and may have got through"
            print(said, file=sys.stderr)
        stopped = f"; it broke off at {self.stopped_at}" if self.stopped_at else ""
        print(f"{len(self.done)} of {total} {self.what}{stopped}.")


def _refused(wrong: Iterable[tuple[str, Problems]]) -> list[dict[str, Any]]:
    return [
        {
            "id": entry_id,
            "errors": [{"field": path, "message": said} for path, said in problems],
        }
        for entry_id, problems in wrong
    ]
