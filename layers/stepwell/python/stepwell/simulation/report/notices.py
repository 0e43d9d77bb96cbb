"""What is worth a look though no rule was broken: it often stems from a name that is misspelled.

Nothing of it changes the exit code: a population may well have nobody who orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stepwell.journeys.program import Program
from stepwell.simulation.report.counts import JourneyTally, Tally


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind`: messages_failed, nobody_entered, event_never_occurred, or warnings; `said` has it in
    words. `count` is of messages, of entry events that were applied, of events (0), or of warnings.
    `journey`, `step` and `event` are "" where there is none.
    """

    kind: str
    journey: str
    step: str
    event: str
    count: int
    said: str


def watched_events(programs: Iterable[Program]) -> frozenset[str]:
    """Events by which customers enter, leave, or reach the goal: those whose number is told."""
    return frozenset(
        name for program in programs for name in (program.entry.event, *_ends(program))
    )


def find_notices(tally: Tally, programs: Iterable[Program]) -> tuple[Notice, ...]:
    """In the order of the programs; warnings come last."""
    found: list[Notice] = []
    for program in programs:
        counted = tally.journeys.get(program.journey, JourneyTally())
        found += _failed(program, counted)
        if not counted.entries and not program.draining:
            found.append(_nobody(program, tally.applied[program.entry.event]))
        found += [
            _never(program, event, roles)
            for event, roles in _ends(program).items()
            if not tally.applied[event]
        ]
    if tally.problem_count:
        said = f"{_several(tally.problem_count, 'warning')} that the functions would log"
        said += f", first: {tally.problems[0]}"
        found.append(Notice("warnings", "", "", "", tally.problem_count, said))
    return tuple(found)


def _ends(program: Program) -> dict[str, str]:
    """What ends the journey by event: "exit", "goal" or both."""
    roles = {each.event: "exit" for each in program.exits}
    if program.goal:
        event = program.goal.event
        roles[event] = "exit and goal" if event in roles else "goal"
    return roles


def _failed(program: Program, counted: JourneyTally) -> Iterator[Notice]:
    frequent = sorted(counted.failures.items(), key=lambda each: (-each[1], each[0]))
    for (step, reason, detail), count in frequent:
        said = f'{_several(count, "message")} of "{step}" in {program.journey} failed: '
        said += _why(reason, detail)
        yield Notice("messages_failed", program.journey, step, "", count, said)


def _why(reason: str, detail: str) -> str:
    """A missing variable's detail is its field in the template, and its name."""
    field, colon, variable = detail.partition(": ")
    if reason == "missing_variable" and colon:
        return f"missing variable {variable} (in {field})"
    return reason.replace("_", " ") + (f", {detail}" if detail else "")


def _nobody(program: Program, applied: int) -> Notice:
    event = program.entry.event
    said = f'nobody entered {program.journey}: its entry event "{event}" '
    said += f"was applied {_several(applied, 'time')}" if applied else "never occurred"
    if applied and program.entry.where is not None:
        said += "; look at its where"
    return Notice("nobody_entered", program.journey, "", event, applied, said)


def _never(program: Program, event: str, roles: str) -> Notice:
    said = f'the {roles} event "{event}" of {program.journey} never occurred in the input'
    return Notice("event_never_occurred", program.journey, "", event, 0, said)


def _several(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
