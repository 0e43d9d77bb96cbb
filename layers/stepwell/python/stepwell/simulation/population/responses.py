"""How made-up customers answer messages: events that come some time after a provider took one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from stepwell.customers import keys
from stepwell.events.model import Event
from stepwell.simulation.population.behaviour import Acting
from stepwell.simulation.population.model import Response
from stepwell.simulation.population.people import randomness, user_id
from stepwell.simulation.population.settling import number_of
from stepwell.simulation.trace import Run, Sending
from stepwell.storage.operations import Store

if TYPE_CHECKING:
    from stepwell.simulation.engine import Simulation


class Responder:
    """Schedules answers in the simulation that it is given to as `on_sent`.

    Nobody answers a message of a run that began at `end` or later: otherwise answers could lead to
    runs, and those to answers, for ever. `store` is read besides what the simulation counts.
    """

    def __init__(
        self, responses: tuple[Response, ...], *, seed: int, end: datetime, store: Store
    ) -> None:
        self._responses = responses
        self._seed = seed
        self._end = end
        self._store = store
        self.simulation: Simulation | None = None

    def __call__(self, sending: Sending) -> None:
        simulation, outgoing = self.simulation, sending.outgoing
        if simulation is None or sending.result != "accepted":
            return
        execution, _, step = outgoing.message_id.rpartition(".")
        run = simulation.trace.runs[execution]
        if run.started >= self._end:
            return
        number = number_of(run.customer)
        for index, each in enumerate(self._responses):
            if not each.answers(run.journey, step, outgoing.channel):
                continue
            # By what the customer lived through, not by ids: the same in every grouping.
            about = f"{index}#{run.journey}#{run.number}#{step}#{outgoing.channel}"
            ids = (f"{number}-{run.journey}-{run.number}-{step}-{index}-{n}" for n in count(1))
            rng, follow_up = randomness(self._seed, number, about), each.follow_up
            if rng.random() >= follow_up.chance:
                continue
            events: list[Event] = []
            acting = Acting(user_id(number), rng, ids)
            at = acting.later(follow_up.delay, sending.at)
            acting.act(follow_up.action, at, self._entered_with(run), events)
            for event in events:
                simulation.schedule(event.timestamp, event)

    def _entered_with(self, run: Run) -> Mapping[str, Any]:
        """The properties of the event that began the run."""
        enrollment = self._store.get(keys.enrollment(run.customer, run.enrollment)) or {}
        properties: Mapping[str, Any] = json.loads(enrollment["entry_event"])["properties"]
        return properties
