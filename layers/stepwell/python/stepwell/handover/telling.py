"""What a destination is told: ids, the journey's own words, and what was declared of the customer.

Nothing else of a customer leaves: a trait that no destination declares stays where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from stepwell.customers.traits import traits_of
from stepwell.handover.destinations import Destination
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text
from stepwell.values import value

TRAIT = "traits."
FIELDS = ("user_id", "zone", "locale", "country")
"""What may be included of a profile, besides its traits."""
LONGEST_VALUE = 1000
"""Characters of one included value; what is longer is cut off."""

_OF_A_SIGNAL = ("value", "at", "rule", "score")
"""What is told of a signal. Not the event by which it was seen: its id is the sender's."""


@value
class Reference:
    """Which step of which run is handed over: ids only. `id` is the same at every try."""

    customer: str
    enrollment: str
    run: int
    execution: str
    version: str
    step: str

    @property
    def id(self) -> str:
        return f"{self.execution}-{self.step}"

    @property
    def journey(self) -> str:
        return self.enrollment.partition("#")[0]


@value
class HandOver:
    """One hand-over as a destination gets it; `document` is JSON."""

    id: str
    destination: Destination
    document: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The document, alike whenever it is tried again."""
        return json.dumps(self.document, sort_keys=True, ensure_ascii=False)


def read_reference(payload: Mapping[str, Any]) -> Reference:
    """`{"ids", "version", "step"}` of a state. Raises KeyError naming what it lacks."""
    ids = payload["ids"]
    return Reference(
        customer=ids["customer"],
        enrollment=ids["enrollment"],
        run=int(ids["run"]),
        execution=ids["execution"],
        version=payload["version"],
        step=payload["step"],
    )


def told(
    reference: Reference,
    destination: Destination,
    *,
    reason: str,
    person: str,
    profile: Item,
    asked_at: datetime,
) -> HandOver:
    """`person` is who the customer is by now, `profile` theirs."""
    document: dict[str, Any] = {
        "id": reference.id,
        "asked_at": to_text(asked_at),
        "destination": destination.name,
        "reason": reason,
        "customer": {"id": person, **included(profile, destination.include)},
        "journey": reference.journey,
        "version": reference.version,
        "enrollment": reference.enrollment,
        "execution": reference.execution,
        "step": reference.step,
    }
    signals = _signals(profile.get("signals") or {})
    if signals:
        document["signals"] = signals
    return HandOver(reference.id, destination, document)


def included(profile: Item, fields: Iterable[str]) -> dict[str, Any]:
    """Those of the declared fields that the customer has: `{"user_id": …, "traits": {…}}`."""
    traits = traits_of(profile)
    found: dict[str, Any] = {}
    for field in fields:
        name = field.removeprefix(TRAIT)
        where, known = (traits, "traits") if field.startswith(TRAIT) else (profile, "")
        if where.get(name) is None:
            continue
        place = found.setdefault(known, {}) if known else found
        place[name] = _fitting(where[name])
    return found


def _fitting(given: Any) -> Any:
    """As it is, unless it is long: then the beginning of its text."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return given if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE]


def _signals(signals: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: each[key] for key in _OF_A_SIGNAL if key in each}
        for name, each in signals.items()
        if isinstance(each, Mapping)
    }
