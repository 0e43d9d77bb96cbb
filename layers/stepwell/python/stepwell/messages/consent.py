"""Consent of a customer: per purpose and channel, with the event that proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.messages.policies import Purpose
from stepwell.messages.verdicts import Rule

GRANTED = "granted"


def grant_name(purpose: str, channel: str) -> str:
    """The name of a grant in the CONSENTS item's `grants`."""
    return f"{purpose}#{channel}"


def is_allowed(grants: Mapping[str, Any], purpose: Purpose, channel: str) -> bool:
    """The customer's own word, or the purpose's default without one."""
    grant = grants.get(grant_name(purpose.name, channel))
    if grant is not None:
        return bool(grant["status"] == GRANTED)
    return purpose.consent_default(channel) == "assumed"


def check_consent(
    grants: Mapping[str, Any], purpose: Purpose, channels: Sequence[str]
) -> tuple[tuple[str, ...], Rule]:
    """The channels that may be used, and the rule's entry with the proof of each."""
    allowed = tuple(each for each in channels if is_allowed(grants, purpose, each))
    inputs = {each: _basis(grants, purpose, each) for each in channels}
    result = "allowed" if allowed else "refused"
    return allowed, {
        "rule": "consent",
        "result": result,
        "purpose": purpose.name,
        "channels": inputs,
    }


def _basis(grants: Mapping[str, Any], purpose: Purpose, channel: str) -> dict[str, Any]:
    allowed = is_allowed(grants, purpose, channel)
    grant = grants.get(grant_name(purpose.name, channel))
    if grant is None:
        return {"allowed": allowed, "basis": f"default_{purpose.consent_default(channel)}"}
    return {
        "allowed": allowed,
        "basis": grant["status"],
        "at": grant.get("at"),
        "proof": grant.get("proof"),
    }
