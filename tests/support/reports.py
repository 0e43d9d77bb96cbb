"""A handful of customers whose whole story is known, and the report of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from stepwell.events.model import Event
from stepwell.simulation.costs.forecast import forecast
from stepwell.simulation.costs.prices import read_prices
from stepwell.simulation.costs.usage import Usage
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.report.counts import Tally
from stepwell.simulation.report.making import make_report
from stepwell.simulation.report.report import Report, Settings
from stepwell.simulation.report.tally import harvest
from stepwell.timestamps import to_text
from tests.support.simulations import MONDAY, ROOT, Person

DAYS = 30
JOURNEYS = frozenset({"cart_abandonment", "onboarding"})


def copied_project(folder: Path, changes: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """A copy of the project in which, by file, a text was replaced by another."""
    shutil.copytree(ROOT / "statemachines", folder / "statemachines")
    shutil.copytree(ROOT / "events" / "schemas", folder / "events" / "schemas")
    for name, (old, new) in (changes or {}).items():
        file = folder / "statemachines" / name
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


@cache
def definitions() -> Definitions:
    return read_definitions(ROOT, JOURNEYS)


def played(*events: list[Event], using: Definitions | None = None, **more: Any) -> Simulation:
    """Each list of events is one customer's; each event happens when it says."""
    simulation = Simulation(using or definitions(), MONDAY, **more)
    for each in (event for events_of_one in events for event in events_of_one):
        simulation.schedule(each.timestamp, each)
    simulation.run()
    return simulation


def at(hours: float, minutes: float = 0) -> datetime:
    """So long after Monday noon."""
    return MONDAY + timedelta(hours=hours, minutes=minutes)


def acts_in_time() -> list[Event]:
    """Ada begins a trial and acts a day later: no nudge."""
    ada = Person("ada")
    return [*ada.sign_up(), ada.track("Trial Started"), ada.track("First Action", at(24))]


def never_acts() -> list[Event]:
    """Bob gets both nudges by email, at noon."""
    bob = Person("bob")
    return [*bob.sign_up(), bob.track("Trial Started")]


def cannot_be_reached() -> list[Event]:
    """Cleo has told no address."""
    cleo = Person("cleo")
    return [cleo.identify(), cleo.track("Trial Started")]


def orders_after_messages() -> list[Event]:
    """Dan puts two things into a cart, gets a text at 12:55 and a push the next morning at 09:00,
    and orders at 10:00, when the journey is through.
    """
    dan = Person("dan")
    carts = [dan.cart("c1"), dan.cart("c1", at(0, 10))]
    return [*dan.sign_up(), *carts, dan.order("o1", at(22))]


def has_two_carts() -> list[Event]:
    """Eve leaves two: caps let a text at 12:45 and a push at 09:00 go, and no second of either."""
    eve = Person("eve")
    return [*eve.sign_up(), eve.cart("c1"), eve.cart("c2", at(0, 1))]


def orders_while_it_waits() -> list[Event]:
    """Fay leaves a cart at 20:50; her message waits for the morning when she orders at 22:00."""
    fay = Person("fay")
    return [*fay.sign_up(), fay.cart("c1", at(8, 50)), fay.order("o1", at(10))]


STORIES = (
    acts_in_time,
    never_acts,
    cannot_be_reached,
    orders_after_messages,
    has_two_carts,
    orders_while_it_waits,
)


def told(*, using: Definitions | None = None) -> Simulation:
    """All the stories in one simulation."""
    return played(*(story() for story in STORIES), using=using)


def report_of(tally: Tally, using: Definitions | None = None, **settings: Any) -> Report:
    using = using or definitions()
    described = Settings(
        journeys={each.journey: each.version for each in using.loaded_programs},
        source="six people",
        seed=1,
        customers=len(STORIES),
        start=to_text(MONDAY),
        until=to_text(MONDAY + timedelta(days=DAYS)),
        days=DAYS,
        policies="0123456789ab",
    )
    usage = Usage(
        seconds=DAYS * 86_400,
        customers=tally.customers,
        entries=sum(each.entries for each in tally.journeys.values()),
        messages=tally.sent_by_customer.sum(),
        calls=tally.calls,
        metered=tally.metered,
        billed=tally.billed,
    )
    cost = forecast(usage, read_prices())
    return make_report(tally, using, replace(described, **settings), cost)


@cache
def known_report() -> Report:
    return report_of(harvest(told()))
