"""What may be sent to whom, when and how often, as the rules read it.

`policies_document` turns the YAML file into a validated document with every default filled in; its
canonical JSON lies in the bucket. `load_policies` reads that text at run time: it was validated
when it was written, so it is trusted. The file's format is in `policies_file`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from stepwell.customers.identity_rules import IdentityRules, load_identity_rules
from stepwell.messages.promotion_hold import PromotionHold, load_promotion_hold
from stepwell.profile.rules import ProfileRules


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a customer is contacted, and what that allows."""

    name: str
    consent: str
    """"required": only after a yes. "assumed": until a no."""
    consent_on: Mapping[str, str]
    """Channels on which `consent` differs."""
    capped: bool
    goes_first: bool
    """Whether its messages have a share of a provider's rate to themselves."""
    after_unknown_outcome: str
    """"drop" or "resend", when nobody knows whether the provider took the message."""

    def consent_default(self, channel: str) -> str:
        return self.consent_on.get(channel, self.consent)

    @property
    def resends(self) -> bool:
        return self.after_unknown_outcome == "resend"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages in any window of so many seconds; no channels means all of them."""

    name: str
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    at_most: int
    seconds: int

    def counts(self, purpose: str, channel: str) -> bool:
        return purpose in self.purposes and (not self.channels or channel in self.channels)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local times from `start` to before `end`; over midnight when `end` is not the later one."""

    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Machines:
    """By what it is seen that a program opened an email or followed its link, and no person.

    `agents` are whole user agents (Apple's mail privacy says just "Mozilla/5.0"). `proxies` are
    parts of those that fetch for a person as well as by themselves: what they do within
    `within_seconds` of the send was the latter.
    """

    agents: tuple[str, ...] = ("Mozilla/5.0",)
    proxies: tuple[str, ...] = ("GoogleImageProxy", "YahooMailProxy", "bot", "Barracuda")
    within_seconds: int = 10

    def did(self, agent: str, after: timedelta) -> bool:
        if agent in self.agents:
            return True
        soon = after.total_seconds() < self.within_seconds
        return soon and any(each.lower() in agent.lower() for each in self.proxies)


_Asked = tuple[str, str]  # a purpose and a channel


@dataclass(frozen=True, slots=True)
class Policies:
    purposes: Mapping[str, Purpose]
    caps: tuple[Cap, ...]
    quiet_hours: tuple[QuietHours, ...]
    spread_seconds: int
    max_asks: int
    default_zone: str | None
    keep_seconds: int
    identities: IdentityRules = field(default_factory=IdentityRules)
    machines: Machines = field(default_factory=Machines)
    profile: ProfileRules = field(default_factory=ProfileRules)
    promotion_hold: PromotionHold = field(default_factory=PromotionHold)
    # What the two questions below were answered: each message asks them several times.
    _quiet: dict[_Asked, tuple[QuietHours, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _caps_of: dict[_Asked, tuple[Cap, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def quiet(self, purpose: str, channel: str) -> tuple[QuietHours, ...]:
        found = self._quiet.get((purpose, channel))
        if found is None:
            found = self._quiet[purpose, channel] = tuple(
                each
                for each in self.quiet_hours
                if purpose in each.purposes and channel in each.channels
            )
        return found

    def caps_of(self, purpose: str, channel: str) -> tuple[Cap, ...]:
        """The caps that a message of this purpose on this channel counts towards."""
        found = self._caps_of.get((purpose, channel))
        if found is None:
            capped = self.purposes[purpose].capped
            found = self._caps_of[purpose, channel] = tuple(
                cap for cap in self.caps if capped and cap.counts(purpose, channel)
            )
        return found

    @property
    def longest_window(self) -> int:
        """Seconds after which no cap counts a unit any more."""
        return max((cap.seconds for cap in self.caps), default=0)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a policies file, where (`caps[1].per`), on which line (0: unknown)."""

    path: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class PoliciesError(Exception):
    """The policies file is wrong; `problems` has every reason at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def policies_document(yaml_text: str) -> dict[str, Any]:
    """The policies of a YAML text as a JSON document. Raises PoliciesError with all problems."""
    # Design time only: the deployed layer has no YAML reader, and the functions need no models.
    from stepwell.messages.policies_file import read_policies  # noqa: PLC0415

    return read_policies(yaml_text)


def load_policies(text: str) -> Policies:
    """Read the JSON text of a `policies_document`."""
    document = json.loads(text)
    return Policies(
        purposes={name: Purpose(name=name, **each) for name, each in document["purposes"].items()},
        caps=tuple(_load_cap(each) for each in document["caps"]),
        quiet_hours=tuple(_load_quiet_hours(each) for each in document["quiet_hours"]),
        spread_seconds=document["spread_seconds"],
        max_asks=document["max_asks"],
        default_zone=document["default_zone"],
        keep_seconds=document["keep_seconds"],
        identities=load_identity_rules(document.get("identities", {})),
        machines=_load_machines(document.get("machines", {})),
        profile=ProfileRules(document.get("profile", {})),
        promotion_hold=load_promotion_hold(document.get("promotion_hold", {})),
    )


def _load_cap(document: Mapping[str, Any]) -> Cap:
    lists = {name: tuple(document[name]) for name in ("purposes", "channels")}
    return Cap(**{**document, **lists})


def _load_machines(document: Mapping[str, Any]) -> Machines:
    lists = {name: tuple(each) for name, each in document.items() if isinstance(each, list)}
    return Machines(**{**document, **lists})


def _load_quiet_hours(document: Mapping[str, Any]) -> QuietHours:
    return QuietHours(
        purposes=tuple(document["purposes"]),
        channels=tuple(document["channels"]),
        start=time.fromisoformat(document["start"]),
        end=time.fromisoformat(document["end"]),
    )
