"""What is restricted of a customer is used only for the purposes that profile.yaml declares: in
every condition of a journey, by the segments that it names or waits for, and in what its messages
say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from stepwell.conditions.tree import Tree
from stepwell.events.told import SEGMENT_ENTERED, SEGMENT_LEFT
from stepwell.journeys.compiler.cel.parser import ConditionSyntaxError, parse
from stepwell.journeys.compiler.checks.subject import Subject, matches, uses
from stepwell.journeys.compiler.liquid_analysis import customer_read
from stepwell.journeys.compiler.model import Condition
from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.profile.context import FILE, SECTION
from stepwell.journeys.compiler.profile.reads import (
    context_of_reads,
    context_read,
    read_by_segments,
)
from stepwell.profile.context import PARTS

_CROSSINGS = (SEGMENT_ENTERED, SEGMENT_LEFT)


def check_context(subject: Subject) -> Iterator[Problem]:
    declared = subject.profile.get(SECTION, {})
    if declared:
        yield from _condition_problems(subject, declared)
        yield from _template_problems(subject, declared)


def _condition_problems(subject: Subject, declared: Mapping[str, Any]) -> Iterator[Problem]:
    """A condition serves all that the journey is for: it decides which messages are sent."""
    by_segment = read_by_segments(subject.profile.get("segments", ()))
    purposes = _purposes(subject)
    for use in uses(subject.journey):
        tree = _tree(use.condition) if "customer" in use.condition.text else None
        read = context_read(tree, by_segment) if tree is not None else ()
        yield from _problems(use.condition.place, read, purposes, declared)
    for match in matches(subject.journey):
        if match.event in _CROSSINGS:
            tree = _tree(match.where) if match.where else None
            name = _segment_named(tree)
            read = context_of_reads([f"segments.{name}" if name else "segments"], by_segment)
            yield from _problems(match.place, read, purposes, declared)


def _tree(condition: Condition) -> Tree | None:
    try:
        return parse(condition.text)
    except ConditionSyntaxError:
        return None  # check_conditions tells


def _segment_named(tree: Tree | None) -> str | None:
    """The one segment that an event of entering or leaving has to be about; None: any."""
    match tree:
        case ["&&", *parts]:
            return next((name for each in parts if (name := _segment_named(each))), None)
        case ["==", ["select", ["select", ["name", "event"], "properties"], "segment"], literal]:
            return str(literal[1]) if literal[0] == "string" else None
    return None


def _purposes(subject: Subject) -> list[str]:
    named = {message.purpose or subject.journey.purpose for message in subject.messages()}
    return sorted(each for each in named | {subject.journey.purpose} if each is not None)


def _template_problems(subject: Subject, declared: Mapping[str, Any]) -> Iterator[Problem]:
    for message in subject.messages():
        template = subject.templates.get(message.template)
        purpose = message.purpose or subject.journey.purpose
        for path, text in template.texts() if template else ():
            if path[0] not in message.channels or "customer" not in text or template is None:
                continue
            spot = template.source.place(path)
            first = template.source.lines.get((*path, "|"), spot.line)
            for line, read in customer_read(text):
                place = Place(spot.file, first + line - 1, spot.path)
                parts = {read[0]} & PARTS.keys() if read else frozenset(PARTS)
                yield from _problems(place, parts, [purpose] if purpose else [], declared)


def _problems(
    place: Place, read: Collection[str], purposes: list[str], declared: Mapping[str, Any]
) -> Iterator[Problem]:
    for part in sorted(each for each in read if each in declared):
        allowed = declared[part]["purposes"]
        for purpose in purposes:
            if purpose not in allowed:
                yield _refused(place, part, f"may not be used for {purpose}", allowed)
        if not purposes:
            yield _refused(place, part, "is used, and nothing says for which purpose", allowed)


def _refused(place: Place, part: str, why: str, allowed: list[str]) -> Problem:
    remedy = (
        f"It may be used for {', '.join(allowed)}: `{SECTION}.{part}.purposes` in {FILE}. "
        "Do not read it here, or give the journey or message such a purpose."
    )
    return Problem(place, "SW1043", f"`customer.{part}`, which is read here, {why}", remedy)
