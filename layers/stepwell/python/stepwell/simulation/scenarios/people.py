"""The `given` of a scenario: who the customers are, which policies hold, how providers answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from stepwell.customers.zones import load_zone
from stepwell.journeys.compiler.source import DataPath
from stepwell.messages.channels import CHANNELS
from stepwell.simulation.scenarios.documents import (
    NO_ZONE,
    GivenDocument,
    PersonDocument,
)
from stepwell.simulation.scenarios.model import Person
from stepwell.simulation.scenarios.reading import Reading
from stepwell.simulation.scenarios.schemas import property_problems
from stepwell.simulation.scenarios.times import Week
from stepwell.simulation.years import YEARS

P = TypeVar("P", bound=PersonDocument)

_JOINED = {"traits", "events", "policies", "providers", "destinations", "customers"}
"""Parts that are laid over each other name by name; of all others the scenario's own counts."""

_PHONE_WITHOUT_AREA = "+883510001"
"""An international network's: it gives no zone away."""


@dataclass(frozen=True)
class Given:
    """A scenario's `given` laid over the file's."""

    document: GivenDocument
    week: Week
    journeys: tuple[str, ...]
    policies: dict[str, Any]
    customers: Mapping[str, PersonDocument]

    @property
    def policies_text(self) -> str:
        return json.dumps(self.policies, sort_keys=True)

    def person(self, user: str) -> Person:
        document = self.customers.get(user, self.document)
        zone = None if document.zone == NO_ZONE else load_zone(document.zone)
        granted = document.consents
        if granted is None:
            granted = {purpose: list(CHANNELS) for purpose in self.policies["purposes"]}
        refused = _pairs(document.refused)
        return Person(
            user=user,
            zone=zone,
            traits=_traits(document, user),
            tokens=tuple(f"{user}-device-{number}" for number in _devices(document)),
            granted=tuple(pair for pair in _pairs(granted) if pair not in refused),
            refused=refused,
        )


def read_given(reading: Reading, base: GivenDocument, path: DataPath, data: Any) -> Given | None:
    """None when it leaves nothing to go on with; `base` is the file's own `given`."""
    own = reading.validated(path, data, GivenDocument)
    if own is None:
        return None
    document = laid_over(base, own)

    def where(key: str, name: str | None = None) -> DataPath:
        """Where a part stands: in the scenario, or at the top of the file."""
        if name is None:
            return (*(path if key in own.model_fields_set else ("given",)), key)
        return (*(path if name in (getattr(own, key) or {}) else ("given",)), key, name)

    policies = reading.policies(
        document.policies, {name: where("policies", name) for name in document.policies}
    )
    for event, properties in document.events.items():
        if reading.event(where("events", event), event):
            property_problems(reading, where("events", event), event, properties)
    for name in document.destinations:
        known = reading.around.destinations
        reading.known(where("destinations", name), name, known, "SW1036", "destination")
    journeys = _journeys(reading, where("journeys"), document.journeys)
    week = _week(reading, where("date"), document.date)
    customers = _customers(reading, document, where)
    if policies is None:
        return None
    for key in ("consents", "refused"):
        _check_purposes(reading, where(key), getattr(document, key), policies)
    for user, customer in customers.items():
        for key in ("consents", "refused"):
            place = (*where("customers", user), key)
            _check_purposes(reading, place, getattr(customer, key), policies)
    return Given(document, week, journeys, policies, customers)


def laid_over(base: P, own: PersonDocument) -> P:
    """`base` with what `own` sets; traits, policies and the like name by name."""
    changes: dict[str, Any] = {}
    for key in own.model_fields_set:
        value = getattr(own, key)
        if key == "events":
            events: dict[str, Any] = getattr(base, key)
            value = events | {name: events.get(name, {}) | each for name, each in value.items()}
        elif key in _JOINED:
            value = getattr(base, key) | value
        changes[key] = value
    return base.model_copy(update=changes)


def _customers(
    reading: Reading, document: GivenDocument, where: Callable[[str, str], DataPath]
) -> dict[str, PersonDocument]:
    found: dict[str, PersonDocument] = {}
    shared = PersonDocument.model_validate(
        {key: getattr(document, key) for key in PersonDocument.model_fields}
    )
    for user, data in document.customers.items():
        own = reading.validated(where("customers", user), data, PersonDocument)
        if own is not None:
            found[user] = laid_over(shared, own)
    return found


def _week(reading: Reading, path: DataPath, text: str | None) -> Week:
    if text is None:
        return Week()
    try:
        first = date.fromisoformat(text)
    except ValueError:
        reading.report(path, "SW701", f"{text!r} is no day", 'Write one like "2026-11-23".')
        return Week()
    if first.year not in YEARS:
        said = f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]}"
        reading.report(path, "SW701", said, "Write one that is.")
        return Week()
    return Week(first)


def _journeys(reading: Reading, path: DataPath, others: list[str]) -> tuple[str, ...]:
    known = [
        name
        for number, name in enumerate(others)
        if reading.known((*path, number), name, reading.around.subjects, "SW707", "journey")
    ]
    return tuple(sorted({reading.journey, *known}))


def _check_purposes(
    reading: Reading,
    path: DataPath,
    by_purpose: Mapping[str, Any] | None,
    policies: Mapping[str, Any],
) -> None:
    for purpose in by_purpose or {}:
        reading.known((*path, purpose), purpose, policies["purposes"], "SW708", "purpose")


def _pairs(channels: Mapping[str, list[Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((purpose, each) for purpose, listed in channels.items() for each in listed)


def _devices(document: PersonDocument) -> range:
    return range(1, document.devices + 1) if "push" in document.addresses else range(0)


def _traits(document: PersonDocument, user: str) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    if document.zone != NO_ZONE:
        traits["timezone"] = document.zone
    if "email" in document.addresses:
        traits["email"] = f"{user}@example.com"
    if "sms" in document.addresses:
        traits["phone"] = _PHONE_WITHOUT_AREA + f"{sum(user.encode()) % 10_000:04d}"
    return traits | document.traits
