"""Computed traits made anew from the archive, for every customer who is whole there. Pure but for
its ports.

What is kept is that of a set of occurrences, so that all there is to know of an event is whose it
is. That the archive's events of a customer are those that were applied is not assumed: `applied` of
the profile says so. Who differs is asked about again, with what has been archived since.

    take(events)   the archive's, in order; later what has come since
    settle(…)      writes those who are whole, once each, and tells of the others

A write is conditional on the profile as it was read, and counts as one: the router begins an event
anew that it is just applying. Segments are not found here: the profile becomes due, and forgets of
which definitions its segments are.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from stepwell.customers import keys
from stepwell.customers.applied import Applied, number_of, read_applied
from stepwell.customers.owners import Owners
from stepwell.events.model import Event
from stepwell.profile.computed import millis
from stepwell.profile.keeping import Kept, add, occurrences, read_kept
from stepwell.profile.living import made_due
from stepwell.profile.rules import ProfileRules
from stepwell.profile.tracks import State, pruned, united_states
from stepwell.storage.operations import Item, Store, Update, equals
from stepwell.values import value

KNOWN_DAYS = 30
"""So long the router knows an event that comes again, and so long it is taken once here."""
IN_QUEUE = timedelta(days=5)
"""An event is applied, and its customer made, at most so long after its receipt."""
_AT_ONCE = 100

Writer = Callable[[Sequence[Update]], Sequence[bool]]
"""Carries updates out; of each, whether its condition held."""


@dataclass(slots=True)
class Life:
    """What the archive has of one customer."""

    states: dict[str, State] = field(default_factory=dict)
    applied: Applied = field(default_factory=Applied)

    def joined(self, other: Life, rules: ProfileRules) -> Life:
        states = united_states(self.states, other.states, rules.track_ids)
        return Life(states, self.applied.joined(other.applied))


@value
class Differing:
    """A customer whose events in the archive are not those that were applied; `applied` is None
    for one who is older than the record of them. `is_proven`: they are, but there came another.
    """

    customer: str
    archived: int
    applied: int | None
    is_proven: bool


@dataclass(slots=True)
class Settled:
    """How many are `written` (or would be) and were right `already`, and who is left; `assumed` are
    those of the written who differed.
    """

    written: int = 0
    already: int = 0
    assumed: int = 0
    differing: list[Differing] = field(default_factory=list)


class Recomputation:
    """All customers at once, in memory. `uncounted` are values that no trait can take."""

    def __init__(self, store: Store, owners: Owners, rules: ProfileRules) -> None:
        self._store, self._owners, self._rules = store, owners, rules
        self._lives: dict[str, Life] = {}
        self._joined: dict[str, set[str]] = {}
        """Who became whom, as far as pointers were met."""
        self._done: set[str] = set()
        self._seen: set[int] = set()
        self._by_day: dict[date, array[int]] = {}
        self._waiting: list[Event] = []
        self.events = self.uncounted = 0
        self.until = datetime.min.replace(tzinfo=UTC)
        """The last moment of receipt."""

    @property
    def customers(self) -> int:
        return len(self._lives)

    @property
    def nobodys(self) -> int:
        """Events that belong to no customer there is, as of those who were erased."""
        return self.events - sum(life.applied.count for life in self._lives.values())

    def take(self, events: Iterable[Event]) -> None:
        """Events in order of receipt; those of before that had no owner yet are looked at again."""
        waiting, self._waiting = self._waiting, []
        new = [each for each in events if self._is_new(each)]
        self.events += len(new)
        self.until = max([self.until, *(each.received_at for each in new)])
        self._give([*waiting, *new])

    def _give(self, events: Sequence[Event]) -> None:
        for event, owner in zip(events, self._owners.of(events), strict=True):
            if owner is None:
                self._waiting.append(event)
            else:
                self._live(self._lives.setdefault(owner, Life()), event)
        if self._waiting:
            since = self.until - IN_QUEUE
            self._waiting = [each for each in self._waiting if each.received_at > since]

    def _live(self, life: Life, event: Event) -> None:
        problems: list[str] = []
        happened = occurrences(event, self._rules, problems)
        add(life.states, happened, millis(event.received_at))
        life.applied = life.applied.joined(Applied(1, number_of(event.fingerprint)))
        self.uncounted += len(problems)

    def _is_new(self, event: Event) -> bool:
        """Whether it has not come within the time that the router knows it."""
        day, number = event.received_at.date(), number_of(event.fingerprint)
        if day not in self._by_day:
            self._forget(day)
            self._by_day[day] = array("Q")
        if number in self._seen:
            return False
        self._seen.add(number)
        self._by_day[day].append(number)
        return True

    def _forget(self, today: date) -> None:
        for day in [day for day in self._by_day if (today - day).days > KNOWN_DAYS]:
            self._seen.difference_update(self._by_day.pop(day))

    # ------------------------------------------------------------------ writing

    def settle(self, write: Writer, due: datetime, *, unproven: bool = False) -> Settled:
        """Who is written is `due` then. `unproven` also writes who differs, and notes the archive's
        events as those that were applied.
        """
        settled = Settled()
        for some in _parts([each for each in self._lives if each not in self._done]):
            self._settle(some, write, due, settled, unproven=unproven)
        return settled

    def _settle(
        self,
        customers: Sequence[str],
        write: Writer,
        due: datetime,
        settled: Settled,
        *,
        unproven: bool,
    ) -> None:
        found: list[tuple[set[str], Differing, Update]] = []
        for customer, profile in self._people(customers).items():
            members = self._members(customer, profile)
            life = self._life(members)
            applied, count = read_applied(profile), life.applied.count
            is_proven = applied == life.applied
            differing = Differing(customer, count, applied.count if applied else None, is_proven)
            if not is_proven and not unproven:
                settled.differing.append(differing)
            elif self._is_right(profile, life):
                settled.already += 1
                self._done |= members
            else:
                found.append((members, differing, self._update(customer, profile, life, due)))
        for (members, differing, _), held in zip(found, write([e[2] for e in found]), strict=True):
            if held:
                settled.written += 1
                settled.assumed += not differing.is_proven
                self._done |= members
            else:
                settled.differing.append(differing)

    def _people(self, customers: Sequence[str]) -> dict[str, Item]:
        """Who these are now, each once, with their profiles."""
        people: dict[str, Item] = {}
        former = {each: {each} for each in customers if each not in self._done}
        while former:
            profiles = self._store.get_many(map(keys.profile, former))
            later: dict[str, set[str]] = {}
            for customer, before in former.items():
                profile = profiles.get(keys.profile(customer))
                if profile is None:
                    self._done |= before  # erased meanwhile
                elif "merged_into" in profile:
                    later.setdefault(profile["merged_into"], set()).update(before)
                else:
                    people[customer] = profile
                    self._joined.setdefault(customer, set()).update(before)
            former = later
        return people

    def _members(self, customer: str, profile: Item) -> set[str]:
        """The customer, and who became them, as far as the archive has something of them."""
        members = {customer, *profile.get("former", ()), *self._joined[customer]}
        return members & self._lives.keys()

    def _life(self, members: Iterable[str]) -> Life:
        life = Life()
        for each in sorted(members):
            life = life.joined(self._lives[each], self._rules)
        return life

    def _kept(self, life: Life) -> Kept:
        return Kept(self._rules.computed_version, self._pruned(life.states))

    def _pruned(self, states: Mapping[str, State]) -> dict[str, State]:
        """As far as windows reach back from the last event: the stage's clock is not before it."""
        tracks, now = self._rules.track_ids, millis(self.until)
        return {
            name: pruned(tracks[name], state, now)
            for name, state in states.items()
            if name in tracks
        }

    def _is_right(self, profile: Item, life: Life) -> bool:
        if read_applied(profile) != life.applied:
            return False
        kept = read_kept(profile)
        return Kept(kept.version, self._pruned(kept.states), kept.partial) == self._kept(life)

    def _update(self, customer: str, profile: Item, life: Life, due: datetime) -> Update:
        changes: Item = {
            "computed": self._kept(life).text(),
            "applied": str(life.applied),
            "seq": profile["seq"] + 1,
            "touched": [],
        }
        has_segments = bool(self._rules.segments)
        return Update(
            keys.profile(customer),
            changes | (made_due(customer, due) if has_segments else {}),
            remove=("segments_by",) if has_segments else (),
            conditions=(equals("seq", profile["seq"]),),
        )


def _parts(customers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(customers), _AT_ONCE):
        yield customers[start : start + _AT_ONCE]
