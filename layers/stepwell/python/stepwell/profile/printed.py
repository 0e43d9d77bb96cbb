"""What is known of a customer as templates print it: in the form that traits of an app have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from stepwell.profile.context import context_of
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import computed_view
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text


def derived(
    profile: Item | None, rules: ProfileRules, purpose: str, now: datetime
) -> dict[str, Any]:
    """What a template sees of a customer besides what apps said: computed traits, and the parts of
    the context that may be used for the message's purpose.
    """
    context = context_of(profile, rules.context.allowed(purpose), now)
    return {"computed": PrintedTraits(profile, rules, now), **context}


class PrintedTraits(Mapping[str, Any]):
    """Whole numbers have no point, moments are ISO 8601 in UTC. Only what a template reads is
    computed; what has no value is not there.
    """

    def __init__(self, profile: Item | None, rules: ProfileRules, now: datetime) -> None:
        self._traits = computed_view(profile, rules, now)

    def __getitem__(self, name: str) -> Any:
        return _printed(self._traits[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._traits)

    def __len__(self) -> int:
        return len(self._traits)


def _printed(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, dict):
        return {name: _printed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_printed(each) for each in value]
    return value
