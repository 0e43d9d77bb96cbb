"""Simulations of the shipped journeys with a few customers, and events for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from stepwell.events.model import Event, EventType
from stepwell.messages.policies import Policies
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.never import Rule, find_broken

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""A Monday, noon in London."""


@cache
def shipped() -> Definitions:
    return read_definitions(ROOT)


def with_policies(**changes: Any) -> Definitions:
    """The shipped journeys under policies of which these parts of the document differ."""
    definitions = shipped()
    document = json.loads(definitions.policies) | changes
    return replace(definitions, policies=json.dumps(document, sort_keys=True))


class Person:
    """Makes events of one sender, with ids of their own."""

    def __init__(self, name: str = "ada") -> None:
        self.name = name
        self._made = 0

    def track(self, event: str, at: datetime = MONDAY, **properties: Any) -> Event:
        return self._event(at, name=event, properties=properties)

    def identify(self, at: datetime = MONDAY, *, push: str = "", **traits: Any) -> Event:
        context = {"device": {"type": "android", "token": push}} if push else {}
        return self._event(at, type=EventType.IDENTIFY, traits=traits, context=context)

    def consent(
        self, status: str, channel: str, at: datetime = MONDAY, purpose: str = "marketing"
    ) -> Event:
        return self.track("Consent Updated", at, purpose=purpose, channel=channel, status=status)

    def sign_up(self, zone: str = "Europe/London", **traits: Any) -> list[Event]:
        """Reachable on every channel, with consent to marketing on each."""
        known = {"email": f"{self.name}@example.com", "phone": "+447700900001", "timezone": zone}
        identified = self.identify(push=f"token-{self.name}", **known | traits)
        return [identified, *(self.consent("granted", each) for each in ("sms", "push", "email"))]

    def cart(self, cart: str, at: datetime = MONDAY) -> Event:
        product = {"product_id": "p1", "name": "Mug", "price": 80.0, "quantity": 1}
        return self.track(
            "Product Added", at, cart_id=cart, cart_value=80.0, currency="GBP", **product
        )

    def order(self, order: str, at: datetime = MONDAY) -> Event:
        return self.track(
            "Order Completed", at, order_id=order, revenue=250.0, currency="GBP", products=[]
        )

    def _event(self, at: datetime, **fields: Any) -> Event:
        self._made += 1
        empty: dict[str, Any] = {"name": "", "properties": {}, "traits": {}, "context": {}}
        return Event(
            **{
                "id": f"{self.name}-{self._made}",
                "source": "shop",
                "type": EventType.TRACK,
                "user_id": self.name,
                "anonymous_id": None,
                "timestamp": at,
                "received_at": at,
            }
            | empty
            | fields
        )


def play(simulation: Simulation, *events: Event) -> Simulation:
    """Run to the end."""
    for each in events:
        simulation.schedule(each.received_at, each)
    simulation.run()
    return simulation


def carts(count: int, at: datetime = MONDAY, zone: str = "Europe/London") -> list[Event]:
    """Somebody reachable fills so many carts at once."""
    ada = Person()
    return [*ada.sign_up(zone), *(ada.cart(f"cart-{n}", at) for n in range(count))]


def broken_rules(simulation: Simulation, policies: Policies | None = None) -> list[Rule]:
    return [each.rule for each in find_broken(simulation, policies or shipped().loaded_policies)]
