"""Brings the customers of a file on a list, by the calls that an app would send.

What each line names is looked up first; who is on the list already is left alone. The ids of the
calls are made of the list, the file and the line, and of when the customer last left the list: so
a file that is imported again, wholly or from where it broke off, changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from stepwell.cli.admin_api import CUSTOMERS, Admin
from stepwell.cli.audience_scan import Progress, Taken, take
from stepwell.cli.calls import Calls, Row, Sender, batches
from stepwell.cli.http import ApiError
from stepwell.cli.list_file import Line, ListFile, Rejected
from stepwell.events.model import digest
from stepwell.profile.living import LIST_JOINED, LIST_LEFT

LOOKED_UP = 100
BATCH_LINES = 25
"""Two calls a line at most."""


@dataclass(frozen=True, slots=True)
class LineCalls(Calls):
    """What is to be sent of one line, and what it counts as."""

    joins: bool = False
    creates: bool = False


@dataclass(slots=True)
class Report:
    lines: int = 0
    joined: int = 0
    already: int = 0
    created: int = 0
    left: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    duplicates: list[Rejected] = field(default_factory=list)
    not_left: str = ""
    """Why nobody was taken off the list, when they should have been."""
    any_sent: bool = False
    """Whether the API was given anything, be it taken or not."""


@dataclass(slots=True)
class Import:
    """One file on its way. `create`: who is named and not known becomes a customer; `send` False:
    nothing is sent, and all is reported as if. `rate` is lines a second, 0 without a limit.
    """

    admin: Admin
    sender: Sender
    name: str
    file: ListFile
    create: bool = False
    send: bool = True
    show: bool = False
    rate: float = 0
    report: Report = field(default_factory=Report)
    _seen: dict[str, int] = field(default_factory=dict)

    def run(self, *, replace: bool = False) -> Report:
        """Raises ApiError; what was sent before stands, and `report` says how far it came."""
        before = self._members() if replace else []
        progress = Progress("lines", show=self.show)
        lines = self._good(self.file.read())
        try:
            while some := list(islice(lines, LOOKED_UP)):
                self._send([each for each in self._looked_up(some) if each is not None])
                progress.tell(some[-1].number, self.file.lines)
                if self.rate and self.send:
                    self.sender.sleep(len(some) / self.rate)
        finally:
            progress.end()
        if replace:
            self._take_off(before)
        return self.report

    def _good(self, lines: Iterator[Line | Rejected]) -> Iterator[Line]:
        for each in lines:
            self.report.lines += 1
            if isinstance(each, Rejected):
                self.report.rejected.append(each)
            else:
                yield each

    def _looked_up(self, lines: Sequence[Line]) -> Iterator[LineCalls | None]:
        asked = {"names": [{each.kind: each.name} for each in lines], "list": self.name}
        found = self.admin.ask(CUSTOMERS, document=asked)["customers"]
        for line, known in zip(lines, found, strict=True):
            yield self._calls_of(line, known)

    def _calls_of(self, line: Line, known: Row | None) -> LineCalls | None:
        """None for a line of which nothing is to be sent; the report has it."""
        if known is None and (not self.create or line.kind == "customer"):
            hint = "" if line.kind == "customer" else "; with --create they become one"
            self.report.rejected.append(Rejected(line.number, f"it names no customer{hint}"))
            return None
        who = known["customer"] if known else f"{line.kind} {line.name}"
        if who in self._seen:
            why = f"it names the same customer as line {self._seen[who]}"
            self.report.duplicates.append(Rejected(line.number, why))
            return None
        self._seen[who] = line.number
        is_on = known is not None and known["on_list_since"] is not None
        sender, traits = self._sender_of(line, known)
        calls = []
        if traits:
            calls.append({"type": "identify", **sender, "traits": traits})
        if not is_on:
            calls.append({"type": "track", **sender, **_event(LIST_JOINED, self.name)})
        left_at = (known or {}).get("left_list_at") or ""
        for each in calls:
            parts = (self.name, self.file.digest, str(line.number), each["type"], left_at)
            each["messageId"] = f"list-{digest(*parts)}"
        self.report.already += is_on
        return LineCalls(line.number, tuple(calls), joins=not is_on, creates=known is None)

    def _sender_of(self, line: Line, known: Row | None) -> tuple[Row, Row]:
        """Under which id the calls come, and with which traits."""
        if known is not None:
            return _named(known), line.traits
        if line.kind == "user_id":
            return {"userId": line.name}, line.traits
        made = digest("list", self.name, self.file.digest, str(line.number))
        return {"anonymousId": f"list-{made}"}, {line.kind: line.name, **line.traits}

    # ------------------------------------------------------------ sending

    def _send(self, lines: Sequence[LineCalls]) -> None:
        for batch in batches((each for each in lines if each.calls), BATCH_LINES):
            self.report.any_sent |= self.send
            answers = self.sender.send(batch) if self.send else ((each, []) for each in batch)
            for each, problems in answers:
                if problems:
                    why = f"refused by the API: {problems[0]}"
                    self.report.rejected.append(Rejected(each.line, why))
                else:
                    self.report.joined += each.joins
                    self.report.created += each.creates

    # ------------------------------------------------------------ taking off

    def _members(self) -> list[Row]:
        """Who is on the list before anything is sent: nobody of the file is taken for another."""
        taken = Taken()
        pages = take(
            self.admin, f"lists.{self.name}", parts=4, query={}, taken=taken, show=self.show
        )
        return [each for page in pages for each in page]

    def _take_off(self, members: Sequence[Row]) -> None:
        """A line that could not be read may be anybody's: then nobody is taken off."""
        gone = [each for each in members if each["customer"] not in self._seen]
        if self.report.rejected:
            self.report.not_left = (
                f"{len(gone)} customers who are on the list and not in the file stay on it: lines "
                "were rejected, which may be theirs"
            )
            return
        for start in range(0, len(gone), BATCH_LINES):
            some = gone[start : start + BATCH_LINES]
            if self.send:
                calls = [self._leaving(each) for each in some]
                self.report.any_sent = True
                answer = self.sender.post(calls)
                if answer.status != 200 or answer.body.get("rejected"):
                    raise ApiError(f"{self.sender.url} refused List Left: {answer.body}")
            self.report.left += len(some)

    def _leaving(self, member: Row) -> Row:
        left = digest(self.name, "left", member["customer"], member["since"] or "")
        return {
            "type": "track",
            **_named(member),
            **_event(LIST_LEFT, self.name),
            "messageId": f"list-{left}",
        }


def _named(known: Row) -> Row:
    if known["user_id"]:
        return {"userId": known["user_id"]}
    return {"anonymousId": known["anonymous_id"]}


def _event(name: str, of: str) -> Row:
    return {"event": name, "properties": {"list": of}}
