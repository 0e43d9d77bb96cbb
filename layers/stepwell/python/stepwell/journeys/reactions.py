"""What an event does to a customer's journeys: enrollments end, holds are decided, journeys begin.

Pure: the customer's snapshot, the event and the compiled journeys go in; conditional writes and
commands to Step Functions come out. The writes go into the one transaction that applies the event,
so either the event is applied with all that it does, or it is tried again on a fresh snapshot. The
commands are kept with the event's marker and can be issued any number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepwell.journeys.entering import enter
from stepwell.journeys.happening import Happening, Reaction
from stepwell.journeys.program import Program
from stepwell.journeys.progress import advance, listens
from stepwell.ports import Hasher


class Catalog:
    """The live journeys, found by what they listen to. Made once a process."""

    def __init__(self, programs: Sequence[Program], version: Callable[[str], Program]) -> None:
        self.version = version
        self._entries: dict[str, list[Program]] = {}
        for program in programs:
            if not program.draining:
                self._entries.setdefault(program.entry.event, []).append(program)

    def entered_by(self, event_name: str) -> Sequence[Program]:
        return self._entries.get(event_name, ())


def react(happening: Happening, catalog: Catalog, hasher: Hasher) -> Reaction:
    """All that the event does. Leaving comes before waking, both before entering."""
    reaction = Reaction()
    moved, listening = set(), set()
    for enrollment_id, enrollment in happening.snapshot.enrollments.items():
        program = catalog.version(enrollment["version"])
        if listens(happening, program, enrollment):
            listening.add(enrollment_id)
        if advance(happening, program, enrollment_id, enrollment, reaction):
            moved.add(enrollment_id)
    for program in catalog.entered_by(happening.event.name):
        enter(happening, program, hasher, reaction, moved=moved, listening=listening)
    return reaction
