"""Events and conditions, against the event registry."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.conditions.tree import Tree
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse
from stepwell.journeys.compiler.cel.types import (
    check_condition,
    check_date,
    check_types,
)
from stepwell.journeys.compiler.checks.subject import Subject, Use, matches, uses
from stepwell.journeys.compiler.model import Condition
from stepwell.journeys.compiler.problems import Place, Problem


def check_events(subject: Subject) -> Iterator[Problem]:
    registry = subject.registry
    for match in matches(subject.journey) if registry else ():
        if registry and match.event not in registry.names():
            remedy = f"{registry.suggestion(match.event)} Or add its schema to events/schemas/."
            yield Problem(match.place, "SW501", f"there is no event {match.event!r}", remedy)


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
    environment = subject.registry.environment(event=use.event, entry_event=entered_on)
    if use.is_date:
        found = check_date(tree, environment)
    elif use.yes_or_no:
        found = check_condition(tree, environment)
    else:
        _, found = check_types(tree, environment)
    for fault in found:
        yield Problem(use.condition.place, fault.code, fault.message, fault.remedy)
