"""Read the steps of a journey, also those inside holds and splits."""

from __future__ import annotations

from typing import Any

from stepwell.journeys.compiler import documents, names
from stepwell.journeys.compiler.documents import StepDocument
from stepwell.journeys.compiler.matches import condition, event_match, message_match
from stepwell.journeys.compiler.model import (
    Arm,
    Branch,
    DateDelay,
    EventMatch,
    HandOver,
    Hold,
    Leave,
    LocalDelay,
    Message,
    NamedStep,
    Pause,
    Split,
    Step,
)
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.source import DataPath
from stepwell.journeys.compiler.validation import FileReading, validated

_KINDS = ("hold", "delay", "split", "message", "hand_over", "exit")


class StepReader(FileReading):
    """Reads steps of one file; what cannot be read is left out."""

    def block(self, path: DataPath, steps: list[Any]) -> tuple[Step, ...]:
        read = (self._step((*path, index), step) for index, step in enumerate(steps))
        return tuple(step for step in read if step is not None)

    def _step(self, path: DataPath, data: Any) -> Step | None:
        if data == "exit":
            return Leave(self.source.place(path))
        if not isinstance(data, dict) or len(data) != 1:
            found = f"{len(data)} keys" if isinstance(data, dict) else repr(data)
            self.report(
                path,
                "SW107",
                f"{found} where one step belongs",
                f"A step is one of {', '.join(_KINDS)}.",
            )
            return None
        kind, body = next(iter(data.items()))
        if kind not in _KINDS:
            self._unknown_kind((*path, kind), kind)
            return None
        place = self.source.place((*path, kind))
        if kind == "exit":
            self.validated((*path, kind), body or {}, documents.ExitDocument)
            return Leave(place)
        readers = {
            "hold": self._hold,
            "delay": self._delay,
            "split": self._split,
            "message": self._message,
            "hand_over": self._hand_over,
        }
        return readers[kind]((*path, kind), body)

    def _unknown_kind(self, path: DataPath, kind: str) -> None:
        if kind in documents.LATER_STEPS:
            asks = "; `hand_over` can ask one about a customer" if kind == "webhook" else ""
            remedy = f"Remove it for now{asks}."
            self.report(path, "SW104", f"the step `{kind}` is not supported yet", remedy)
        else:
            self.report(path, "SW107", f"there is no step `{kind}`", suggest(kind, _KINDS))

    def _hold(self, path: DataPath, data: Any) -> NamedStep | None:
        if isinstance(data, dict) and "for" not in data:
            self.report(path, "SW301", "a hold without a limit", "Say how long at most: `for: 3d`.")
            data = {**data, "for": "1s"}
        document = self.validated(path, data, documents.HoldDocument)
        if document is None:
            self._look_inside(path, data, ("timeout",), ("until",))
            return None
        branches = [
            self._branch((*path, "until", index), each) for index, each in enumerate(document.until)
        ]
        return Hold(
            id=self._id(document),
            name=document.name,
            place=self.source.place(path),
            seconds=document.seconds,
            branches=tuple(branch for branch in branches if branch),
            timeout=self._then((*path, "timeout"), document.timeout),
            max_restarts=document.max_restarts,
        )

    def _branch(self, path: DataPath, data: Any) -> Branch | None:
        if isinstance(data, dict) and "message" in data:
            told = self.validated(path, data, documents.MessageBranchDocument)
            if told is None:
                return None
            default, match = f"{told.message} {told.fate}", message_match(self.source, path, told)
            return self._awaited(path, told.id or names.slug(default), match, told.then)
        document = self.validated(path, data, documents.BranchDocument)
        if document is None:
            return None
        match = event_match(self.source, path, document)
        return self._awaited(path, document.id or names.slug(document.event), match, document.then)

    def _awaited(self, path: DataPath, branch_id: str, match: EventMatch, then: Any) -> Branch:
        restarts = then == "restart"
        steps = () if restarts else self._then((*path, "then"), then, more=("restart",))
        return Branch(branch_id, match, restarts, steps)

    def _delay(self, path: DataPath, data: Any) -> NamedStep | None:
        document = self.validated(path, data, documents.DelayDocument)
        if document is None:
            return None
        place = self.source.place(path)
        if ("for" in data) == ("until" in data):
            self.report(
                path,
                "SW108",
                "a delay needs either `for` or `until`",
                'Write `for: 3d` or `until: "09:00 local"`.',
            )
        if (document.seconds is None) == (document.until is None):
            return None  # said above, or when the one that is there was read
        if isinstance(document.until, str):
            weekdays = tuple(sorted(set(document.weekdays)))
            return LocalDelay(self._id(document), document.name, place, document.until, weekdays)
        if document.weekdays:
            self.report(
                (*path, "weekdays"),
                "SW108",
                "weekdays go with `until` a local time only",
                "Remove `weekdays`.",
            )
        if document.until is not None:
            return self._date_delay(path, document, document.until)
        return Pause(self._id(document), document.name, place, document.seconds or 0)

    def _date_delay(
        self, path: DataPath, delay: documents.DelayDocument, until: dict[str, Any]
    ) -> NamedStep | None:
        deeper = (*path, "until")
        document = self.validated(deeper, until, documents.UntilDateDocument)
        date = condition(self.source, (*deeper, "date"), document.date) if document else None
        if document is None or date is None:
            return None
        offset, place = document.offset, self.source.place(path)
        if offset.seconds and document.at:
            said = "an offset with `at` goes from date to date; hours cannot be part of it"
            remedy = "Write it in days, weeks (w) or months (mo), or leave `at` out."
            self.report((*deeper, "offset"), "SW108", said, remedy)
        if offset.months and "at" not in until:
            said = "months differ in length, so they only go from date to date"
            remedy = 'Say when on that date (`at: "09:00 local"`), or write the offset in days.'
            self.report((*deeper, "offset"), "SW108", said, remedy)
        return DateDelay(self._id(delay), delay.name, place, date, offset, document.at)

    def _split(self, path: DataPath, data: Any) -> NamedStep | None:
        document = self.validated(path, data, documents.SplitDocument)
        if document is None:
            self._look_inside(path, data, ("otherwise",), ("branches",))
            return None
        arms = [
            self._arm((*path, "branches", index), each)
            for index, each in enumerate(document.branches)
        ]
        return Split(
            id=self._id(document),
            name=document.name,
            place=self.source.place(path),
            arms=tuple(arm for arm in arms if arm),
            otherwise=self._then((*path, "otherwise"), document.otherwise),
        )

    def _arm(self, path: DataPath, data: Any) -> Arm | None:
        document = self.validated(path, data, documents.ArmDocument)
        when = condition(self.source, (*path, "when"), document.when) if document else None
        if document is None or when is None:
            return None
        steps = self._then((*path, "then"), document.then)
        return Arm(document.id or names.slug(document.name), document.name, when, steps)

    def _message(self, path: DataPath, data: Any) -> NamedStep | None:
        document = self.validated(path, data, documents.MessageDocument)
        if document is None:
            return None
        return Message(
            id=self._id(document),
            name=document.name,
            place=self.source.place(path),
            purpose=document.purpose,
            channels=self._channels((*path, "channels"), document.channels),
            template=document.template,
            on_quiet_hours=document.on_quiet_hours,
            on_cap=document.on_cap,
            worthless_after_seconds=document.worthless_after,
        )

    def _hand_over(self, path: DataPath, data: Any) -> NamedStep | None:
        document = self.validated(path, data, documents.HandOverDocument)
        if document is None:
            self._look_inside(path, data, ("otherwise",), ())
            return None
        return HandOver(
            id=self._id(document),
            name=document.name,
            place=self.source.place(path),
            to=document.to,
            to_place=self.source.place((*path, "to")),
            reason=document.reason,
            reason_place=self.source.place((*path, "reason")),
            otherwise=self._then((*path, "otherwise"), document.otherwise),
        )

    def _channels(self, path: DataPath, given: Any) -> tuple[str, ...]:
        data = given if isinstance(given, dict) else {"order": given}
        deeper = path if isinstance(given, dict) else path[:-1]
        document, problems = validated(self.source, deeper, data, documents.OrderDocument)
        if isinstance(given, dict):
            self.problems.extend(problems)
        elif problems:
            self.report(path, "SW103", "channels are a list", "Write `channels: [push, email]`.")
        return tuple(document.order) if document else ()

    def _then(self, path: DataPath, given: Any, *, more: tuple[str, ...] = ()) -> tuple[Step, ...]:
        """`continue` (no steps) or a list of steps; anything else would be a jump."""
        if isinstance(given, list):
            return self.block(path, given)
        if given == "continue":
            return ()
        if given == "exit":
            return (Leave(self.source.place(path)),)
        words = ", ".join((*more, "continue", "exit"))
        self.report(
            path,
            "SW302",
            f"{given!r} is no way on: steps do not jump, so that no journey goes round for ever",
            f"Write {words} or a list of steps.",
        )
        return ()

    def _look_inside(
        self, path: DataPath, data: Any, blocks: tuple[str, ...], branches: tuple[str, ...]
    ) -> None:
        """Report on the steps inside a step that cannot be read itself."""
        if not isinstance(data, dict):
            return
        for key in blocks:
            if isinstance(data.get(key), list):
                self.block((*path, key), data[key])
        for key in branches:
            ways = data.get(key)
            for index, each in enumerate(ways if isinstance(ways, list) else ()):
                if isinstance(each, dict) and isinstance(each.get("then"), list):
                    self.block((*path, key, index, "then"), each["then"])

    def _id(self, document: StepDocument) -> str:
        return document.id or names.slug(document.name)
