"""Events and conditions, against the event registry: whatever version of an event happens."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.conditions.tree import Tree
from stepwell.journeys.compiler.cel.kinds import Environment
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse
from stepwell.journeys.compiler.cel.types import (
    TypeProblem,
    by_version,
    check_condition,
    check_date,
    check_types,
)
from stepwell.journeys.compiler.checks.subject import Subject, Use, matches, uses
from stepwell.journeys.compiler.model import Condition
from stepwell.journeys.compiler.problems import Place, Problem, suggest


def check_events(subject: Subject) -> Iterator[Problem]:
    registry = subject.registry
    for match in matches(subject.journey) if registry else ():
        if match.message and match.where is None:
            continue  # told by the engine itself; nothing of it is read
        if registry and match.event not in registry.names():
            remedy = f"{registry.suggestion(match.event)} Or add its schema to events/schemas/."
            yield Problem(match.place, "SW501", f"there is no event {match.event!r}", remedy)


def check_entry_segment(subject: Subject) -> Iterator[Problem]:
    """A segment that a journey is entered by has to be declared."""
    entry, registry = subject.journey.entry, subject.registry
    if entry is None or entry.segment is None or registry is None:
        return
    segments = registry.fields.get("segments")
    known = segments.fields if segments else {}
    if entry.segment not in known and not (segments and segments.unsure):
        remedy = f"{suggest(entry.segment, known)} Or declare it in statemachines/segments.yaml."
        yield Problem(entry.match.place, "SW1012", f"there is no segment {entry.segment!r}", remedy)


def check_conditions(subject: Subject) -> Iterator[Problem]:
    for use in uses(subject.journey):
        try:
            tree = parse(use.condition.text)
        except ConditionSyntaxError as error:
            place = _line(use.condition, error.line)
            yield Problem(
                place, "SW502", f"is no condition: {error}", "Correct the CEL expression."
            )
            continue
        yield from _type_problems(subject, use, tree)


def _line(condition: Condition, line: int) -> Place:
    place = condition.place
    return Place(place.file, place.line + line - 1, place.path)


def _type_problems(subject: Subject, use: Use, tree: Tree) -> Iterator[Problem]:
    if subject.registry is None:
        return
    entered_on = subject.entry_event() if use.enrolled else None
    environments = subject.registry.environments(event=use.event, entry_event=entered_on)
    found = {versions: _faults(use, tree, names) for versions, names in environments.items()}
    for fault in by_version(found):
        yield Problem(use.condition.place, fault.code, fault.message, fault.remedy)


def _faults(use: Use, tree: Tree, names: Environment) -> list[TypeProblem]:
    if use.is_date:
        return check_date(tree, names)
    if use.yes_or_no:
        return check_condition(tree, names)
    return check_types(tree, names)[1]
