"""The ways through a journey: what cannot be reached, and what takes too long."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.durations import YEAR_SECONDS, text_of
from stepwell.journeys.compiler.lengths import longest_way
from stepwell.journeys.compiler.model import Hold, Pause
from stepwell.journeys.compiler.problems import Problem


def check_reachable(subject: Subject) -> Iterator[Problem]:
    flow = subject.flow()
    if flow is None:
        return
    for step in subject.steps():
        if step.id not in flow.steps:
            yield Problem(
                step.place,
                "SW303",
                f"{step.name!r} is never reached: every way before it leaves the journey",
                "Remove it, or an `exit` before it.",
            )


def check_branches_can_win(subject: Subject) -> Iterator[Problem]:
    for step in subject.steps():
        if not isinstance(step, Hold):
            continue
        always: set[tuple[str, str | None]] = set()
        for branch in step.branches:
            match = branch.match
            if {(match.event, None), (match.event, match.message)} & always:
                message = f"an earlier branch takes every {branch.match.event}; this one never wins"
                yield Problem(
                    branch.match.place,
                    "SW303",
                    message,
                    "Put it first, or give the other one a `where`.",
                )
            if branch.match.where is None:
                always.add((match.event, match.message))


def check_delays(subject: Subject) -> Iterator[Problem]:
    for step in subject.steps():
        if isinstance(step, Hold | Pause) and step.seconds > YEAR_SECONDS:
            message = f"{step.name!r} lasts {text_of(step.seconds)}, over a year"
            yield Problem(
                step.place,
                "SW304",
                message,
                "An execution lives for a year at most: use a shorter time.",
            )


def check_length(subject: Subject) -> Iterator[Problem]:
    """A journey that can outlast its execution would be ended by AWS in the middle."""
    flow = subject.flow()
    if flow is None or any(check_delays(subject)):
        return
    seconds = longest_way(flow, flow.first)
    if seconds > YEAR_SECONDS:
        yield Problem(
            subject.journey.place,
            "SW305",
            f"the longest way through takes {text_of(seconds)} (restarts counted), over a year",
            "An execution lives for a year at most: shorten a wait or lower a `max_restarts`.",
        )
