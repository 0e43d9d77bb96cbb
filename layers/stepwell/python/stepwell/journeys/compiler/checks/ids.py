"""Names and ids: what becomes a state, an attribute, a message id."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler import names
from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.model import Hold, NamedStep, Split
from stepwell.journeys.compiler.problems import Place, Problem

_LETTERS = "lower-case letters, digits and _, beginning with a letter"
_TAKEN = ", ".join(sorted(names.RESERVED_BRANCH_IDS))


def check_journey_name(subject: Subject) -> Iterator[Problem]:
    journey = subject.journey
    if journey.name != journey.folder.name:
        yield Problem(
            journey.place,
            "SW201",
            f"the journey is called {journey.name}, its folder {journey.folder.name}",
            "Call both the same.",
        )
    if (
        not names.ID_PATTERN.fullmatch(journey.name)
        or len(journey.name) > names.LONGEST_JOURNEY_NAME
    ):
        yield Problem(
            journey.place,
            "SW202",
            f"{journey.name!r} cannot be a journey's name",
            f"Use up to {names.LONGEST_JOURNEY_NAME} {_LETTERS}.",
        )
    if journey.name in names.RESERVED_JOURNEYS:
        yield Problem(
            journey.place, "SW203", f"{journey.name} is the engine's own", "Choose another name."
        )


def check_step_ids(subject: Subject) -> Iterator[Problem]:
    seen: dict[str, NamedStep] = {}
    for step in subject.steps():
        if not names.ID_PATTERN.fullmatch(step.id) or len(step.id) > names.LONGEST_STEP_ID:
            remedy = f"Give it an `id:` of up to {names.LONGEST_STEP_ID} {_LETTERS}."
            yield Problem(
                step.place, "SW202", f"{step.name!r} gives no usable id ({step.id!r})", remedy
            )
        elif step.id in names.RESERVED_STEP_IDS:
            yield Problem(
                step.place,
                "SW203",
                f"the step id {step.id} is the engine's own",
                "Give it another `id:`.",
            )
        elif step.id in seen and step.name != seen[step.id].name:
            first = seen[step.id].place.line
            yield Problem(
                step.place,
                "SW204",
                f"the id {step.id} is taken by line {first}",
                "Give one of them an `id:`.",
            )
        seen.setdefault(step.id, step)


def check_step_names(subject: Subject) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for step in subject.steps():
        if step.name in seen:
            message = f"another step is called {step.name!r}, in line {seen[step.name]}"
            yield Problem(step.place, "SW204", message, "Give each step a name of its own.")
        seen.setdefault(step.name, step.place.line)
        if len(step.name) > names.LONGEST_STEP_NAME:
            yield Problem(
                step.place,
                "SW205",
                f"the name has {len(step.name)} characters; with what its states add it passes "
                f"{names.LONGEST_STATE_NAME}",
                f"Use at most {names.LONGEST_STEP_NAME} characters.",
            )
        ends_like_state = any(step.name.endswith(suffix) for suffix in names.SUFFIXES)
        if ends_like_state or step.name in names.RESERVED_STATES:
            message = f"{step.name!r} is what one of the engine's own states is called"
            yield Problem(step.place, "SW203", message, "Choose other words.")
        if any(ord(character) < ord(" ") for character in step.name):
            yield Problem(
                step.place, "SW202", "the name has a line break or tab", "Write it on one line."
            )


def check_branch_ids(subject: Subject) -> Iterator[Problem]:
    for step in subject.steps():
        ways: list[tuple[str, Place]] = []
        if isinstance(step, Hold):
            ways = [(branch.id, branch.match.place) for branch in step.branches]
        if isinstance(step, Split):
            ways = [(arm.id, arm.when.place) for arm in step.arms]
        for index, (name, place) in enumerate(ways):
            if not names.ID_PATTERN.fullmatch(name) or name in names.RESERVED_BRANCH_IDS:
                remedy = f"Give it an `id:` of {_LETTERS}; not {_TAKEN}."
                yield Problem(place, "SW203", f"{name!r} cannot be a branch's id", remedy)
            if name in dict(ways[:index]):
                message = f"two branches of {step.name!r} have the id {name}"
                yield Problem(place, "SW204", message, "Give one of them an `id:`.")
