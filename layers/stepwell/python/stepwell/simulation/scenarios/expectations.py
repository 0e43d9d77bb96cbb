"""The `expect` of a scenario: what must happen, line by line, and nothing besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stepwell.journeys.compiler.checks import Subject
from stepwell.journeys.compiler.documents import LATER_KEYS
from stepwell.journeys.compiler.model import HandOver
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.source import DataPath
from stepwell.simulation.scenarios.documents import (
    EXPECTED,
    ConversionDocument,
    EnrollmentDocument,
    ExpectedDocument,
    HandedOverDocument,
    NotHandedOverDocument,
)
from stepwell.simulation.scenarios.model import ACTIVE, USER, Call, Expected, Fact, Kind
from stepwell.simulation.scenarios.people import Given
from stepwell.simulation.scenarios.reading import Reading

REASONS: Mapping[Kind, tuple[str, ...]] = {
    Kind.DEFERRED: ("quiet_hours", "capped", "provider_pushed_back", "no_provider_answer"),
    Kind.SUPPRESSED: (
        "exited", "worthless", "no_consent", "unreachable", "quiet_hours", "unknown_time_zone",
        "capped", "promotion_hold",
    ),
    Kind.FAILED: ("all_channels_refused", "missing_variable", "template_error"),
    Kind.UNKNOWN: ("no_provider_answer", "interrupted", "no_answer"),
    Kind.NOT_HANDED_OVER: ("refused", "away"),
}  # fmt: skip
"""Why a message is not sent, in the words of its decision."""

_KIND_KEYS = frozenset(EXPECTED)


def read_expected(
    reading: Reading, given: Given, path: DataPath, lines: Sequence[Any], calls: tuple[Call, ...]
) -> tuple[Expected, ...]:
    """A relative time follows on the line before, in the first line on the first event."""
    before = calls[0].at if calls else None
    users = {call.user for call in calls}
    found: list[Expected] = []
    for number, line in enumerate(lines):
        fact = _fact(reading, given, (*path, number), line, before, users)
        if fact is not None:
            before = fact.at or before
            found.append(Expected(fact, reading.place((*path, number))))
    return tuple(found)


def _fact(
    reading: Reading,
    given: Given,
    path: DataPath,
    line: Any,
    before: datetime | None,
    users: set[str],
) -> Fact | None:
    document = _document(reading, path, line)
    if document is None:
        return None
    user = document.user or USER
    if users and not reading.known((*path, "user"), user, users, "SW712", "customer in `when`,"):
        return None
    journey = document.journey or reading.journey
    loaded = given.journeys
    if not reading.known((*path, "journey"), journey, loaded, "SW707", "loaded journey"):
        return None
    at = None
    zone = given.person(user).clock
    if document.at is not None:
        at = reading.moment((*path, "at"), document.at, given.week, zone, before)
    subject = reading.around.subjects[journey]
    if isinstance(document, EnrollmentDocument):
        return _enrollment(reading, path, document, subject, user, at)
    if at is None:
        return None
    match document:
        case ConversionDocument():
            return _conversion(reading, path, document, subject, user, at)
        case HandedOverDocument() | NotHandedOverDocument():
            return _hand_over(reading, path, document, subject, user, at)
    return _of_message(reading, given, path, document, subject, user, at)


def _of_message(
    reading: Reading,
    given: Given,
    path: DataPath,
    document: ExpectedDocument,
    subject: Subject,
    user: str,
    at: datetime,
) -> Fact | None:
    until = None
    zone = given.person(user).clock
    if (written := getattr(document, "until", None)) is not None:
        until = reading.moment((*path, "until"), written, given.week, zone, at)
        if until is None:
            return None
    return _message(reading, path, document, subject, user, at, until)


def _document(reading: Reading, path: DataPath, line: Any) -> ExpectedDocument | None:
    """The line as what its key says it is about."""
    kinds = [key for key in line if key in EXPECTED] if isinstance(line, dict) else []
    known = ", ".join(EXPECTED)
    if not isinstance(line, dict):
        reading.report(path, "SW103", f"{line!r} is no expectation", f"It has `at` and {known}.")
        return None
    if len(kinds) == 1:
        return reading.validated(path, line, EXPECTED[kinds[0]])
    if kinds:
        said = f"{' and '.join(kinds)} in one line"
        reading.report(path, "SW103", said, "Write a line for each.")
        return None
    strange = [
        key for key in line if key not in {"at", "user", "journey", "by", "to", "because", "until"}
    ]
    for key in strange:
        remedy = f"Remove `{key}`." if key in LATER_KEYS else suggest(key, EXPECTED)
        said = LATER_KEYS.get(key, f"unknown key `{key}`")
        reading.report((*path, key), "SW104" if key in LATER_KEYS else "SW101", said, remedy)
    if not strange:
        reading.report(path, "SW102", "it does not say what happens", f"Add one of {known}.")
    return None


def _enrollment(
    reading: Reading,
    path: DataPath,
    document: EnrollmentDocument,
    subject: Subject,
    user: str,
    at: datetime | None,
) -> Fact | None:
    outcome, because = document.enrollment, document.because
    ended = outcome != ACTIVE
    if ended and document.at is None:
        reading.report(path, "SW102", "`at` is missing", "Say when it ended.")
    if not ended and document.at is not None:
        reading.report((*path, "at"), "SW103", "an active enrollment has not ended", "Remove `at`.")
    has_reason = outcome not in {"completed", ACTIVE}
    if has_reason and because is None:
        remedy = "Name the event." if outcome != "failed" else "Name the error."
        reading.report(path, "SW102", f"`because` is missing: why {outcome}?", remedy)
    if not has_reason and because is not None:
        said = f"what is {outcome} has no reason"
        reading.report((*path, "because"), "SW103", said, "Remove `because`.")
    if because is not None and has_reason and outcome != "failed":
        reading.event((*path, "because"), because)
    if document.step is not None and ended:
        said = "what has ended is in no step"
        reading.report((*path, "in"), "SW103", said, "Remove `in`.")
    step = _step(reading, path, document.step, subject) if document.step else None
    if (at is None) is ended:
        return None
    journey = subject.journey.name
    return Fact(Kind.ENROLLMENT, at, user, journey, outcome, because=because, step=step)


def _step(reading: Reading, path: DataPath, word: str, subject: Subject) -> str | None:
    names = {step.id: step.name for step in subject.steps()}
    if word in names:
        return names[word]
    reading.known((*path, "in"), word, names.values(), "SW706", "step")
    return word


def _conversion(
    reading: Reading,
    path: DataPath,
    document: ConversionDocument,
    subject: Subject,
    user: str,
    at: datetime,
) -> Fact | None:
    journey, goal = subject.journey.name, subject.journey.goal
    if goal is None:
        said = f"{journey} has no goal, so nothing converts"
        reading.report((*path, "conversion"), "SW713", said, "Remove the line, or give it a goal.")
        return None
    known = [goal.match.event]
    if not reading.known(
        (*path, "conversion"), document.conversion, known, "SW713", f"goal of {journey} on"
    ):
        return None
    return Fact(Kind.CONVERSION, at, user, journey, known[0], value=document.value)


def _hand_over(
    reading: Reading,
    path: DataPath,
    document: HandedOverDocument | NotHandedOverDocument,
    subject: Subject,
    user: str,
    at: datetime,
) -> Fact | None:
    """A destination that is not the step's own would make the line fail; it is told here."""
    kind, because = Kind.HANDED_OVER, None
    if isinstance(document, NotHandedOverDocument):
        kind, because = Kind.NOT_HANDED_OVER, document.because
        known = REASONS[kind]
        reading.known((*path, "because"), because, known, "SW714", f"reason for {kind}:")
    word = getattr(document, kind)
    steps = [each for each in subject.steps() if isinstance(each, HandOver)]
    step = next((each for each in steps if word in (each.name, each.id)), None)
    if step is None:
        names = [each.name for each in steps]
        reading.known((*path, str(kind)), word, names, "SW706", "hand-over")
        return None
    if document.to is not None:
        reading.known((*path, "to"), document.to, [step.to], "SW1036", f"way of {step.name!r} to")
    journey = subject.journey.name
    return Fact(kind, at, user, journey, step.name, by=document.to, because=because)


def _message(
    reading: Reading,
    path: DataPath,
    document: ExpectedDocument,
    subject: Subject,
    user: str,
    at: datetime,
    until: datetime | None,
) -> Fact | None:
    kind = Kind(next(key for key in _KIND_KEYS if key in type(document).model_fields))
    word = getattr(document, kind)
    message = next((each for each in subject.messages() if word in (each.name, each.id)), None)
    if message is None:
        names = [each.name for each in subject.messages()]
        reading.known((*path, str(kind)), word, names, "SW706", "message")
        return None
    by, because = getattr(document, "by", None), getattr(document, "because", None)
    if by is not None and by not in message.channels:
        said = f"{message.name!r} is never sent by {by}"
        reading.report(
            (*path, "by"), "SW708", said, f"Its channels: {', '.join(message.channels)}."
        )
    if because is not None:
        reading.known((*path, "because"), because, REASONS[kind], "SW714", f"reason for {kind}:")
    journey, says = subject.journey.name, tuple(getattr(document, "says", ()))
    return Fact(
        kind, at, user, journey, message.name, by=by, because=because, until=until, says=says
    )
