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
from stepwell.journeys.progress import Place, advance, listens
from stepwell.journeys.reuniting import end_doubles
from stepwell.ports import Hasher


class Catalog:
    """The live journeys, found by what they listen to. Made once a process."""

    def __init__(self, programs: Sequence[Program], version: Callable[[str], Program]) -> None:
        self.version = version
        self._entries: dict[str, list[Program]] = {}
        for program in programs:
            if not program.draining:
                self._entries.setdefault(program.entry.event, []).append(program)
        self.heard_traits = frozenset(
            each.entry.trait for each in programs if each.entry.trait and not each.draining
        )
        """Whose change begins a journey."""

    def entered_by(self, event_name: str) -> Sequence[Program]:
        return self._entries.get(event_name, ())


def react(happening: Happening, catalog: Catalog, hasher: Hasher) -> Reaction:
    """All that the event does. Leaving comes before waking, both before entering."""
    reaction = Reaction()
    places = _places(happening, catalog)
    moved = end_doubles(happening, places, reaction)
    if not happening.starts_nothing:
        places = [place for place in places if place.key not in moved]
        listening = {
            place.key for place in places if listens(happening.now, place.program, place.item)
        }
        moved |= {place.key for place in places if advance(happening, place, reaction)}
        for program in catalog.entered_by(happening.event.name):
            enter(
                happening,
                program,
                hasher,
                reaction,
                catalog=catalog.version,
                moved=moved,
                listening=listening,
            )
    return reaction


def _places(happening: Happening, catalog: Catalog) -> list[Place]:
    return [
        Place(customer, enrollment_id, item, catalog.version(item["version"]))
        for customer, enrollment_id, item in happening.snapshot.all_enrollments()
    ]
