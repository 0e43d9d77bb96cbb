"""What is kept of an event's context: where the customer is, with which device, in which language.

Segment's standard context goes in, attributes of the profile come out. Only what a project declares
is kept, as coarse as it declares it, and of several events that say something the one that happened
last counts, in whatever order and how often they come. Pure.

    place           {latitude, longitude, city, region, country, at}      of context.location
    device          {kind, manufacturer, model, os, os_version, app, app_version, network, at}
    context_locale  {locale, at}                                          of context.locale

Each is a JSON text; all but `at`, the event's time, may be absent. What is no text or number that
can be right is taken as not said. Ids of devices, addresses of networks and speed are never kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from stepwell.conditions.distance import LATITUDES, LONGITUDES
from stepwell.profile.grid import coarse
from stepwell.storage.operations import Item
from stepwell.timestamps import from_text, to_text
from stepwell.values import value

PLACE, DEVICE, LOCALE = "place", "device", "locale"
PARTS: Mapping[str, str] = {PLACE: "place", DEVICE: "device", LOCALE: "context_locale"}
"""What can be declared, each with the attribute of the profile that holds it."""

_ATTRIBUTES = frozenset(PARTS.values())

NAMES = ("city", "region", "country")
"""Of places."""
DEVICE_FIELDS = (
    *("kind", "manufacturer", "model", "os", "os_version", "app", "app_version", "network"),
)
LONGEST = 100
"""Characters of a name; a longer one is not kept, nor is one with characters that nobody sees."""

_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,4}", re.ASCII)
_encoder = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)


@value
class Part:
    """What is declared of a part. Without `precision_km` a place has names only."""

    purposes: tuple[str, ...]
    keep: timedelta
    precision_km: float | None = None
    names: tuple[str, ...] = ()


@value
class ContextRules:
    """The declared parts; `zone` is whether the event's time zone is kept, for local times."""

    parts: Mapping[str, Part] = field(default_factory=dict)
    zone: bool = True

    def allowed(self, purpose: str) -> ContextRules:
        """Of what is declared, what may be used for a purpose."""
        parts = {name: part for name, part in self.parts.items() if purpose in part.purposes}
        return ContextRules(parts, self.zone)


NOTHING_KEPT = ContextRules()


def load_context(document: Mapping[str, Any]) -> ContextRules:
    """Read what `journeys.compiler.profile.context` wrote."""
    parts = {
        name: Part(
            tuple(each["purposes"]),
            timedelta(seconds=each["keep_seconds"]),
            each.get("precision_km"),
            tuple(each.get("names", ())),
        )
        for name, each in document.items()
        if name in PARTS
    }
    return ContextRules(parts, zone=document.get("zone", True))


def with_context(
    profile: Item, context: Mapping[str, Any], at: datetime, now: datetime, rules: ContextRules
) -> Item:
    """The profile with what an event of the time `at` says, received `now`; without what is too old
    by now or not declared any more.
    """
    if not rules.parts and _ATTRIBUTES.isdisjoint(profile):
        return profile
    kept = {name: each for name, each in profile.items() if name not in _ATTRIBUTES}
    for name, part in rules.parts.items():
        text, said = profile.get(PARTS[name]), _SAID[name](context)
        if text is None and not said:
            continue
        before = _read(text)
        known = _limited(name, part, before)
        told = _limited(name, part, said | {"at": to_text(at)}) if said else None
        newest = _newer(known, told)
        if newest is not None and _is_fresh(newest, part, now):
            kept[PARTS[name]] = text if newest == before else _encoder.encode(newest)
    return kept


def newer_context(ours: Item, theirs: Item) -> Item:
    """What two customers who become one have of each part: the word that was said last."""
    found: Item = {}
    for attribute in PARTS.values():
        newest = _newer(_read(ours.get(attribute)), _read(theirs.get(attribute)))
        if newest is not None:
            found[attribute] = _encoder.encode(newest)
    return found


def part_of(profile: Item | None, name: str, rules: ContextRules, now: datetime) -> Any:
    """The part as conditions see it, with `at` as a moment; the locale is a text. None when it is
    not declared, not known or too old.
    """
    part, found = rules.parts.get(name), _read((profile or {}).get(PARTS[name]))
    if part is None or found is None:
        return None
    seen = _limited(name, part, found)
    if seen is None or not _is_fresh(seen, part, now):
        return None
    return seen["locale"] if name == LOCALE else seen | {"at": from_text(seen["at"])}


def forgotten_at(profile: Item | None, name: str, rules: ContextRules) -> datetime | None:
    """From when on the part is not known any more; None when it is not known at all."""
    part, found = rules.parts.get(name), _read((profile or {}).get(PARTS[name]))
    return None if part is None or found is None else from_text(found["at"]) + part.keep


def context_of(profile: Item | None, rules: ContextRules, now: datetime) -> dict[str, Any]:
    """All parts that are known, as templates see them: `at` is a text."""
    seen = {name: part_of(profile, name, rules, now) for name in rules.parts}
    return {
        name: part | {"at": to_text(part["at"])} if isinstance(part, dict) else part
        for name, part in seen.items()
        if part is not None
    }


def kept_context(profile: Item) -> dict[str, Any]:
    """What lies in the profile, also what is not seen any more and goes with the next event."""
    return {name: json.loads(profile[name]) for name in sorted(_ATTRIBUTES) if name in profile}


def _read(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


def _limited(name: str, part: Part, found: dict[str, Any] | None) -> dict[str, Any] | None:
    """No closer and no more than is declared; None when that leaves nothing."""
    if found is None or name != PLACE:
        return found
    limited = {key: found[key] for key in part.names if key in found}
    if part.precision_km is not None and "latitude" in found:
        latitude, longitude = coarse(found["latitude"], found["longitude"], part.precision_km)
        limited |= {"latitude": latitude, "longitude": longitude}
    return limited | {"at": found["at"]} if limited else None


def _newer(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of what happened in the same millisecond always the same one."""
    if one is None or other is None:
        return one if other is None else other
    if one["at"] != other["at"]:
        return max(one, other, key=lambda each: str(each["at"]))
    return max(one, other, key=_encoder.encode)


def _is_fresh(found: Mapping[str, Any], part: Part, now: datetime) -> bool:
    """Compared as texts, to the millisecond: every event asks."""
    return bool(found["at"] > to_text(now - part.keep))


def _place_said(context: Mapping[str, Any]) -> dict[str, Any]:
    location = _map(context.get("location"))
    if not location:
        return {}
    said = _texts({name: location.get(name) for name in NAMES})
    latitude = _degrees(location.get("latitude"), LATITUDES)
    longitude = _degrees(location.get("longitude"), LONGITUDES)
    if latitude is None or longitude is None:
        return said
    return said | {"latitude": latitude, "longitude": longitude}


def _device_said(context: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing where only an app or a network is named: that may be a server's."""
    if "device" not in context and "os" not in context:
        return {}
    device, system, app = (_map(context.get(name)) for name in ("device", "os", "app"))
    said = _texts(
        {
            "kind": device.get("type"),
            "manufacturer": device.get("manufacturer"),
            "model": device.get("model"),
            "os": system.get("name"),
            "os_version": system.get("version"),
        }
    )
    if not said:
        return {}
    network = _map(context.get("network"))
    used = next((each for each in ("wifi", "cellular") if network.get(each) is True), None)
    more = {"app": app.get("name"), "app_version": app.get("version"), "network": used}
    return said | _texts(more)


def _locale_said(context: Mapping[str, Any]) -> dict[str, Any]:
    locale = context.get("locale")
    is_one = isinstance(locale, str) and len(locale) <= LONGEST and _LOCALE.fullmatch(locale)
    return {"locale": locale} if is_one else {}


_SAID: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    PLACE: _place_said,
    DEVICE: _device_said,
    LOCALE: _locale_said,
}


def _map(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _texts(named: Mapping[str, object]) -> dict[str, Any]:
    return {name: found for name, each in named.items() if (found := _text(each))}


def _text(found: object) -> str | None:
    text = found.strip() if isinstance(found, str) and len(found) <= LONGEST else ""
    return text if text and text.isprintable() else None


def _degrees(found: object, bounds: tuple[float, float]) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    lowest, highest = bounds
    return float(found) if lowest <= found <= highest else None
