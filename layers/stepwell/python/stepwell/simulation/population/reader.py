"""Read a population file, with every problem of it: file, line, what is wrong, what to do.

Events and their properties are checked against the event registry, journeys and steps against the
project, purposes against its policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.model import Message, named
from stepwell.journeys.compiler.names import slug
from stepwell.journeys.compiler.problems import CompileError, Problem, suggest
from stepwell.journeys.compiler.project import journey_names, read_registry
from stepwell.journeys.compiler.reader import read_journey
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.source import DataPath, Source, parse_yaml, read_yaml
from stepwell.journeys.compiler.validation import D, FileReading
from stepwell.messages.channels import ADDRESSED, CHANNELS
from stepwell.messages.policies_file import read_policies
from stepwell.simulation.population import documents
from stepwell.simulation.population.model import (
    Action,
    Behaviour,
    Consent,
    FollowUp,
    Home,
    Population,
    Response,
    Value,
    cumulative,
)
from stepwell.simulation.population.values import read_value

Steps = Mapping[str, Mapping[str, str]]
"""Journey -> the name and the id of each message -> its id."""

DEFAULT_FILE = "statemachines/population.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """What a population may refer to."""

    registry: EventRegistry
    purposes: frozenset[str]
    steps: Steps
    channels: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Journey -> the id of each message -> the channels that it may go by."""
    entries: Mapping[str, str]
    """Journey -> the event that it is entered with."""


def read_population(path: Path, root: Path) -> Population:
    """The population of a file, for the project in `root`. Raises CompileError with all problems,
    RegistryError or PoliciesError for a project that is wrong itself.
    """
    source, problems = read_yaml(path, str(path))
    return _read(source, problems, read_references(root))


def parse_population(text: str, file: str, project: Project) -> Population:
    """As `read_population`, of a text. Raises CompileError."""
    source, problems = parse_yaml(text, file)
    return _read(source, problems, project)


def _read(source: Source | None, problems: list[Problem], project: Project) -> Population:
    if source is None:
        raise CompileError(problems)
    reading = _Reading(source, project)
    population = reading.population()
    if population is None or reading.problems:
        raise CompileError(reading.problems)
    return population


def read_references(root: Path) -> Project:
    """Raises RegistryError, PoliciesError."""
    policies = read_policies((root / "statemachines" / "policies.yaml").read_bytes())
    steps: dict[str, dict[str, str]] = {}
    channels: dict[str, dict[str, tuple[str, ...]]] = {}
    entries: dict[str, str] = {}
    for name in journey_names(root):
        journey, _ = read_journey(root / "statemachines" / "journeys" / name, name)
        if journey and journey.entry:
            entries[name] = journey.entry.match.event
        found = [
            each for each in named(journey.steps if journey else ()) if isinstance(each, Message)
        ]
        steps[name] = {known: each.id for each in found for known in (each.name, each.id)}
        channels[name] = {each.id: each.channels for each in found}
    registry = read_registry(root)
    return Project(registry, frozenset(policies["purposes"]), steps, channels, entries)


@dataclass
class _Reading(FileReading):
    project: Project

    def population(self) -> Population | None:
        data = {} if self.source.data is None else self.source.data
        document = self.validated((), data, documents.PopulationDocument)
        if document is None:
            return None
        homes = self._list(("zones",), document.zones, documents.HomeDocument)
        if not document.zones:
            self._report(("zones",), "nobody lives anywhere", "List at least one zone in `zones:`.")
        return Population(
            start=document.start,
            days=document.days,
            homes=tuple(Home(each.zone, each.country) for _, each in homes),
            cumulative=cumulative([each.weight for _, each in homes]),
            unknown_zone=document.unknown_zone,
            addresses=self._addresses(document.addresses),
            consents=self._consents(document.consents),
            traits=self._values(("traits",), document.traits, None, None),
            behaviours=self._behaviours(document.behaviours),
            responses=tuple(
                self._response(path, each)
                for path, each in self._list(
                    ("responses",), document.responses, documents.ResponseDocument
                )
            ),
        )

    def _addresses(self, data: dict[str, float]) -> dict[str, float]:
        for channel in data:
            self._check_channel(("addresses", channel), channel, ADDRESSED)
        return data

    def _check_channel(self, path: DataPath, channel: str, known: Sequence[str] = CHANNELS) -> None:
        if channel not in known:
            self._report(path, f"there is no channel {channel}", suggest(channel, known))

    def _consents(self, data: Mapping[str, Any]) -> dict[str, dict[str, Consent]]:
        consents: dict[str, dict[str, Consent]] = {}
        for purpose, channels in data.items():
            path: DataPath = ("consents", purpose)
            if purpose not in self.project.purposes:
                said = f"there is no purpose {purpose} in the policies"
                self._report(path, said, suggest(purpose, self.project.purposes))
            if not isinstance(channels, dict):
                self._report(path, "channels are missing", "Write `email: {granted: 60%}` below.")
                continue
            for channel, each in channels.items():
                consent = self._consent((*path, channel), channel, each)
                if consent:
                    consents.setdefault(purpose, {})[channel] = consent
        return consents

    def _consent(self, path: DataPath, channel: str, data: Any) -> Consent | None:
        self._check_channel(path, channel)
        document = self.validated(path, data, documents.ConsentDocument)
        if document and document.granted + document.revoked > 1.0:
            self._report(path, "granted and revoked are over 100% together", "Lower one of them.")
        return Consent(document.granted, document.revoked) if document else None

    def _behaviours(self, data: list[Any]) -> tuple[Behaviour, ...]:
        """Their names are distinct: randomness and ids are made from them."""
        behaviours: dict[str, Behaviour] = {}
        for path, each in self._list(("behaviours",), data, documents.BehaviourDocument):
            behaviour = self._behaviour(path, each)
            if behaviour.id in behaviours:
                said = f"another behaviour is named {behaviour.name}, or much like it"
                self._report((*path, "name"), said, "Give each a name of its own.")
            behaviours[behaviour.id] = behaviour
        return tuple(behaviours.values())

    def _behaviour(self, path: DataPath, document: documents.BehaviourDocument) -> Behaviour:
        return Behaviour(
            name=document.name,
            id=slug(document.name),
            action=self._action(path, document, None),
            share=document.share,
            per_day=document.rate,
            hours=document.hours,
            at_most=document.at_most,
        )

    def _response(self, path: DataPath, document: documents.ResponseDocument) -> Response:
        to = self.validated((*path, "to"), document.to, documents.AddressedDocument)
        journey = to.journey if to else None
        step = self._step((*path, "to"), journey, to.step if to else None)
        self._check_reached((*path, "to", "channel"), journey, step, to.channel if to else None)
        entered_with = self.project.entries.get(journey) if journey else None
        follow_up = self._follow_up(path, document, entered_with)
        return Response(journey, step, to.channel if to else None, follow_up)

    def _step(self, path: DataPath, journey: str | None, step: str | None) -> str | None:
        """The step's id."""
        if journey is not None and journey not in self.project.steps:
            said = suggest(journey, self.project.steps)
            self._report((*path, "journey"), f"there is no journey {journey}", said)
            return step
        if step is None:
            return None
        if journey is None:
            self._report((*path, "step"), "a step needs its journey", "Add `journey:` beside it.")
            return step
        steps = self.project.steps[journey]
        if step not in steps:
            said = f"{journey} has no message {step!r}"
            self._report((*path, "step"), said, suggest(step, steps))
        return steps.get(step, step)

    def _check_reached(
        self, path: DataPath, journey: str | None, step: str | None, channel: str | None
    ) -> None:
        """A response to what is never sent would never come."""
        if channel is None or (journey is not None and journey not in self.project.channels):
            return
        journeys = [journey] if journey else [*self.project.channels]
        sends = [each for name in journeys for each in self.project.channels[name].items()]
        known = {each for id_, channels in sends if step in (None, id_) for each in channels}
        if known and channel not in known:
            what = f"{journey}: {step}" if step else journey or "any journey"
            said = f"no message of {what} goes by {channel}, so nobody answers one"
            self._report(path, said, suggest(channel, known))

    def _follow_up(
        self, path: DataPath, document: documents.FollowUpDocument, before: str | None
    ) -> FollowUp:
        return FollowUp(self._action(path, document, before), document.chance, document.after)

    def _action(
        self, path: DataPath, document: documents.ActionDocument, before: str | None
    ) -> Action:
        """`before` is the event to carry from; None where there is none, or any."""
        event = document.event
        if event not in self.project.registry.names():
            remedy = f"{self.project.registry.suggestion(event)} Or add its schema."
            self._report((*path, "event"), f'no schema has the event "{event}"', remedy)
        then = (*path, "then")
        return Action(
            event,
            self._values((*path, "properties"), document.properties, event, before),
            tuple(
                self._follow_up(inner, each, event)
                for inner, each in self._list(then, document.then, documents.FollowUpDocument)
            ),
        )

    def _values(
        self, path: DataPath, data: Mapping[str, Any], event: str | None, before: str | None
    ) -> tuple[tuple[str, Value], ...]:
        schemas = self.project.registry.schemas
        schema = schemas.get(event) if event else None
        if schema is not None:
            missing = [each for each in schema.get("required", ()) if each not in data]
            for each in missing:
                self._report(path, f"`{each}` is missing", f'"{event}" needs it: add it.')
        values: dict[str, Value] = {}
        carried = schemas.get(before) if before else None
        for name, each in data.items():
            value, wrong = read_value(
                name, each, above=values, schema=schema, before=carried, trait=event is None
            )
            for said, remedy in wrong:
                self._report((*path, name), said, remedy)
            if value is not None:
                values[name] = value
        return tuple(values.items())

    def _list(self, path: DataPath, data: list[Any], model: type[D]) -> list[tuple[DataPath, D]]:
        found = []
        for index, each in enumerate(data):
            document = self.validated((*path, index), each, model)
            if document is not None:
                found.append(((*path, index), document))
        return found

    def _report(self, path: DataPath, message: str, remedy: str) -> None:
        self.report(path, "SW802", message, remedy)
