"""Run a scenario on the simulator: who is given, what is sent, and what is left in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from stepwell.events.envelope import read_call
from stepwell.events.model import CONSENT_EVENT, Event
from stepwell.messages.channels import CHANNELS
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, Provider, ProviderError
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.destinations import SimulatedDestinations
from stepwell.simulation.engine import Simulation
from stepwell.simulation.scenarios.calls import SOURCE
from stepwell.simulation.scenarios.model import Person, Scenario
from stepwell.timestamps import to_text

_ERRORS = {"refused": ErrorKind.CONFIGURATION, "pushed_back": ErrorKind.THROTTLED}
_BEFORE = timedelta(minutes=1)
_KNOWN_SINCE = timedelta(days=30)
"""What a customer is like is told as events so old that they inform, and neither start nor wake."""


@dataclass(slots=True)
class ScriptedProvider:
    """Answers as the scenario says, one word a call, the last word for all that follow."""

    answers: Sequence[str]
    calls: int = 0

    def send(self, outgoing: Outgoing) -> str:
        answer = self.answers[min(self.calls, len(self.answers) - 1)] if self.answers else ""
        self.calls += 1
        if answer in _ERRORS:
            raise ProviderError(answer, _ERRORS[answer])
        if answer == "unknown":
            raise OutcomeUnknownError(outgoing.message_id)
        return f"{outgoing.channel}-{self.calls}"


@dataclass
class Runner:
    """Runs scenarios of one compiled project; those with the same policies share what is loaded."""

    definitions: Definitions
    _loaded: dict[tuple[tuple[str, ...], str], Definitions] = field(default_factory=dict)

    def run(self, scenario: Scenario) -> Simulation:
        """The simulation at its end, or at `until`. Raises UnsupportedError."""
        providers: Mapping[str, Provider] = {
            channel: ScriptedProvider(scenario.providers.get(channel, ())) for channel in CHANNELS
        }
        first = scenario.calls[0].at
        definitions = self.definitions_of(scenario)
        simulation = Simulation(
            definitions,
            first - _BEFORE,
            providers=providers,
            destinations=SimulatedDestinations(
                definitions.loaded_destinations, scenario.destinations
            ),
        )
        for person in scenario.people.values():
            for event in introduction(person, first - _BEFORE):
                simulation.send(event)
        simulation.trace.applied.clear()  # the scenario is about what comes now
        for call in scenario.calls:
            simulation.schedule(call.at, call.event)
        simulation.run(scenario.until)
        return simulation

    def definitions_of(self, scenario: Scenario) -> Definitions:
        """The journeys that are live in it, under its policies."""
        key = (scenario.journeys, scenario.policies)
        if key not in self._loaded:
            whole = self.definitions
            self._loaded[key] = Definitions(
                programs=tuple(
                    text
                    for text, program in zip(whole.programs, whole.loaded_programs, strict=True)
                    if program.journey in scenario.journeys
                ),
                machines={name: whole.machines[name] for name in scenario.journeys},
                send_message=whole.send_message,
                policies=scenario.policies,
                destinations=whole.destinations,
                profile=whole.profile,
            )
        return self._loaded[key]


def introduction(person: Person, at: datetime) -> list[Event]:
    """The events that make the customer what the scenario says."""
    contexts = [{"device": {"token": token}} for token in person.tokens] or [{}]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("identify", {"traits": dict(person.traits), "context": context}) for context in contexts
    ]
    for pairs, status in ((person.granted, "granted"), (person.refused, "revoked")):
        for purpose, channel in pairs:
            answer = {"purpose": purpose, "channel": channel, "status": status}
            calls.append(("track", {"event": CONSENT_EVENT, "properties": answer}))
    events: list[Event] = []
    for number, (kind, call) in enumerate(calls):
        shared = {"userId": person.user, "messageId": f"given-{number}"}
        body = call | shared | {"timestamp": to_text(at - _KNOWN_SINCE)}
        text = json.dumps(body).encode()
        events += read_call(kind, text, source=SOURCE, received_at=at, new_id=str)
    return events
