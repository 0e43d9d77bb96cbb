"""What was known of a customer at a moment: consents and zones, from the events applied so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from stepwell.customers.contacts import plain_phone
from stepwell.customers.zones import candidates, load_zone
from stepwell.events.model import CONSENT_EVENT, Event, EventType
from stepwell.messages.policies import Policies
from stepwell.timestamps import to_text

_LONGEST_COUNTRY = 64
_LONGEST_PHONE = 32


@dataclass(slots=True)
class Known:
    """One customer; `learn` takes its events in the order in which they were applied."""

    answers: dict[tuple[str, str], tuple[datetime, bool]] = field(default_factory=dict)
    """(purpose, channel) -> when it was given, and whether it was a yes."""
    traits: dict[str, Any] = field(default_factory=dict)
    """Of those that were removed: None."""
    context_zone: tuple[str, str] = ("", "")
    """The time of the event that told it, and its name."""
    said: dict[str, datetime] = field(default_factory=dict)
    _zones: tuple[ZoneInfo, ...] | None = None

    def learn(self, event: Event) -> None:
        if event.type is EventType.IDENTIFY:
            self._learn_traits(event.traits, dict.fromkeys(event.traits, event.timestamp))
        zone = event.context.get("timezone")
        if isinstance(zone, str) and load_zone(zone):
            self._learn_zone((to_text(event.timestamp), zone))
        if event.name == CONSENT_EVENT:
            self._learn_answer(event)

    def _learn_answer(self, event: Event) -> None:
        """The answer that was given last counts, whenever it came."""
        given = event.properties
        purpose, channel = given.get("purpose"), given.get("channel")
        if not (isinstance(purpose, str) and isinstance(channel, str)):
            return
        if given.get("status") not in ("granted", "revoked"):
            return
        before = self.answers.get((purpose, channel))
        if before is None or event.timestamp >= before[0]:
            self.answers[purpose, channel] = (event.timestamp, given["status"] == "granted")

    def _learn_traits(self, values: Mapping[str, Any], times: Mapping[str, datetime]) -> None:
        """The word that was said last counts, whenever it came."""
        for name, value in values.items():
            before = self.said.get(name)
            if before is None or times[name] >= before:
                self.traits[name], self.said[name] = value, times[name]
        self._zones = None

    def _learn_zone(self, told: tuple[str, str]) -> None:
        """The word that was said last counts, whenever it came."""
        if told > self.context_zone:
            self.context_zone, self._zones = told, None

    def unite(self, other: Known) -> None:
        """The other one turned out to be this one: a no of either counts, and the last word."""
        for asked, (at, yes) in other.answers.items():
            own = self.answers.get(asked)
            self.answers[asked] = (max(at, own[0]), yes and own[1]) if own else (at, yes)
        newer = {
            name: value
            for name, value in other.traits.items()
            if name not in self.said or other.said[name] > self.said[name]
        }
        self._learn_traits(newer, other.said)
        self._learn_zone(other.context_zone)

    def allows(self, policies: Policies, purpose: str, channel: str) -> bool:
        """A yes; or no answer, where the purpose takes that for a yes."""
        answer = self.answers.get((purpose, channel))
        if answer is not None:
            return answer[1]
        rule = policies.purposes.get(purpose)
        return rule is not None and rule.consent_on.get(channel, rule.consent) == "assumed"

    def zones(self) -> tuple[ZoneInfo, ...]:
        """Those the customer may be in; none when nothing tells."""
        if self._zones is None:
            self._zones = candidates(self._places()).zones
        return self._zones

    def _places(self) -> Mapping[str, Any]:
        address = self.traits.get("address")
        inner = address.get("country") if isinstance(address, dict) else None
        country, phone = self.traits.get("country") or inner, self.traits.get("phone")
        phone = plain_phone(phone, country) or phone
        places: dict[str, Any] = {"zone": self.traits.get("timezone")}
        places["context_zone"] = self.context_zone[1]
        if isinstance(country, str) and len(country) <= _LONGEST_COUNTRY:
            places["country"] = country
        if isinstance(phone, str) and 0 < len(phone.strip()) <= _LONGEST_PHONE:
            places["addresses"] = {"sms": phone.strip()}
        return places
