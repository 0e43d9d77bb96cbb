"""The groups (companies, teams, accounts) that a customer belongs to, from group calls. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from stepwell.events.model import Event
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

MAX_GROUPS = 10
MAX_GROUPS_BYTES = 50_000
"""Of all groups of a customer together; more is not kept and said so, as with traits."""


def add_group(profile: Item, event: Event, problems: list[str]) -> Item:
    """The profile's `groups` after a group call: one JSON text, group id -> traits, the newest
    last; and when the last call was received, `groups_at`. Empty when they did not fit.

    A group's traits are merged as a customer's are: null removes one. They are kept with each
    customer as that customer's calls told them: one member's call changes nothing at the others.
    """
    groups, known = groups_of(profile), profile.get("groups_at", "")
    before = groups.pop(str(event.group_id), {})
    changed = {name: value for name, value in (before | event.traits).items() if value is not None}
    text = _encoded([*groups.items(), (str(event.group_id), changed)][-MAX_GROUPS:])
    if len(text) <= MAX_GROUPS_BYTES:
        # By receipt: so the archive, applied again, gives the same.
        return {"groups": text, "groups_at": max(to_text(event.received_at), known)}
    problems.append(f"groups: larger than {MAX_GROUPS_BYTES} bytes together, this one not kept")
    return {}


def groups_of(profile: Item | None) -> dict[str, dict[str, Any]]:
    """Group id -> traits, the group that was named last at the end."""
    text = (profile or {}).get("groups")
    groups: dict[str, dict[str, Any]] = json.loads(text) if text else {}
    return groups


def current_group(profile: Item | None) -> dict[str, Any]:
    """The traits and the `id` of the group that was named last; empty for a customer of none."""
    groups = groups_of(profile)
    if not groups:
        return {}
    name, traits = list(groups.items())[-1]
    return traits | {"id": name}


def united_groups(older: Item, newer: Item) -> Item:
    """The attributes of two profiles as one's, the groups of the newer one last and with its word
    on their traits; the oldest are left out when there are too many or they are too large together.
    """
    ours, theirs = groups_of(newer), groups_of(older)
    united = {name: each for name, each in theirs.items() if name not in ours}
    united |= {name: theirs.get(name, {}) | each for name, each in ours.items()}
    listed = list(united.items())[-MAX_GROUPS:]
    while len(_encoded(listed)) > MAX_GROUPS_BYTES:
        listed = listed[1:]
    found: Item = {"groups": _encoded(listed)} if listed else {}
    return found | ({"groups_at": newer["groups_at"]} if "groups_at" in newer else {})


def _encoded(groups: Sequence[tuple[str, dict[str, Any]]]) -> str:
    return json.dumps(dict(groups), separators=(",", ":"))
