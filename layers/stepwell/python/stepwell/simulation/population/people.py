"""Who a made-up customer is: home, traits, addresses, consents; from seed and number alone.

Nobody can be reached by them: email addresses are at example.com (RFC 2606), phone numbers in
ranges that regulators keep for fiction, or under country code 999, which is assigned to nobody.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from random import Random
from typing import Any

from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.simulation.population.model import Home, Population
from stepwell.simulation.population.values import draw_all, pick

SOURCE = "simulation"
FICTIONAL_PHONES = {
    "US": ("+1212555{:04d}", 100, 100),  # NANPA: 555-0100 to 555-0199
    "GB": ("+447700900{:03d}", 0, 1_000),  # Ofcom: 07700 900000 to 900999
    "FR": ("+3363998{:04d}", 0, 10_000),  # Arcep: 06 39 98 xx xx
}
"""By country: the number's form, the first of its last digits, and how many there are."""
NOBODYS_PHONE = "+999{:012d}"


@dataclass(frozen=True, slots=True)
class Person:
    """Customer `number`, counted from 1. `zone` is where they live, whether they tell or not."""

    number: int
    zone: str
    traits: dict[str, Any]
    token: str | None
    consents: dict[tuple[str, str], str]

    @property
    def user_id(self) -> str:
        return user_id(self.number)


def user_id(number: int) -> str:
    return f"customer-{number}"


def randomness(seed: int, number: int, purpose: str) -> Random:
    """Randomness of its own for every purpose, so that a change in one leaves the others alone."""
    digest = hashlib.blake2b(f"{seed}#{number}#{purpose}".encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))  # noqa: S311 - has to be repeatable, not secret


def make_person(population: Population, seed: int, number: int) -> Person:
    rng = randomness(seed, number, "person")
    home = population.homes[pick(population.cumulative, rng)]
    told = rng.random() >= population.unknown_zone
    usable = {each: rng.random() < share for each, share in population.addresses.items()}
    consents = _consents(population, rng)
    traits = draw_all(population.traits, rng, repeat(""), {})
    if told:
        traits["timezone"] = home.zone
        if home.country:
            traits["country"] = home.country
    if usable.get("email"):
        traits["email"] = f"customer-{number}@example.com"
    if usable.get("sms"):
        traits["phone"] = _phone(home, number) if told else NOBODYS_PHONE.format(number)
    token = f"{number:064x}" if usable.get("push") else None
    return Person(number, home.zone, traits, token, consents)


def _consents(population: Population, rng: Random) -> dict[tuple[str, str], str]:
    """One draw a purpose: who is generous on one channel mostly is so on the others."""
    answers: dict[tuple[str, str], str] = {}
    for purpose, channels in population.consents.items():
        mood = rng.random()
        for channel, consent in channels.items():
            if mood < consent.granted:
                answers[purpose, channel] = "granted"
            elif mood >= 1.0 - consent.revoked:
                answers[purpose, channel] = "revoked"
    return answers


def _phone(home: Home, number: int) -> str:
    if home.country not in FICTIONAL_PHONES:
        return NOBODYS_PHONE.format(number)
    form, first, count = FICTIONAL_PHONES[home.country]
    return form.format(first + number % count)


def sign_up(person: Person, at: datetime) -> list[Event]:
    """What made the customer known: an identify, and an answer for each consent."""
    user, context = person.user_id, {}
    if person.token:
        context = {"device": {"type": "ios", "token": person.token}}
    identify = Event(
        f"{user}-identify",
        SOURCE,
        EventType.IDENTIFY,
        "",
        user,
        None,
        {},
        person.traits,
        context,
        at,
        at,
    )
    answers = [
        track(
            user,
            f"{user}-consent-{purpose}-{channel}",
            at,
            CONSENT_EVENT,
            {"purpose": purpose, "channel": channel, "status": status},
        )
        for (purpose, channel), status in person.consents.items()
    ]
    return [identify, *answers]


def track(user: str, event_id: str, at: datetime, name: str, properties: dict[str, Any]) -> Event:
    """The event of a track call, as the envelope's reader would make it."""
    return Event(event_id, SOURCE, EventType.TRACK, name, user, None, properties, {}, {}, at, at)
