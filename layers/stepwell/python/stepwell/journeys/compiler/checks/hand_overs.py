"""Hand-overs: that their destination is declared, and their reason is a plain text."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.model import HandOver
from stepwell.journeys.compiler.problems import Problem, suggest

LONGEST_REASON = 500


def check_destinations(subject: Subject) -> Iterator[Problem]:
    known = subject.destinations
    for step in _hand_overs(subject):
        if known is not None and step.to not in known:
            remedy = (
                f"{suggest(step.to, known)} Destinations are in statemachines/destinations.yaml."
            )
            said = f"there is no destination {step.to!r}"
            yield Problem(step.to_place, "SW1036", said, remedy)


def check_reasons(subject: Subject) -> Iterator[Problem]:
    for step in _hand_overs(subject):
        if "{{" in step.reason or "{%" in step.reason:
            said = "a reason is told as it stands: it is no template"
            remedy = "Say what is asked for; `include` of the destination says who it is."
            yield Problem(step.reason_place, "SW1037", said, remedy)
        elif len(step.reason) > LONGEST_REASON:
            said = f"the reason has {len(step.reason)} characters"
            yield Problem(step.reason_place, "SW1037", said, f"Use at most {LONGEST_REASON}.")


def _hand_overs(subject: Subject) -> Iterator[HandOver]:
    return (step for step in subject.steps() if isinstance(step, HandOver))
