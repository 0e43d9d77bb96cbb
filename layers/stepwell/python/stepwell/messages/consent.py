"""Consent of a customer: per purpose and channel, with the event that proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepwell.messages.policies import Purpose
from stepwell.messages.verdicts import Rule
from stepwell.storage.operations import Item

GRANTED = "granted"


def grant_name(purpose: str, channel: str) -> str:
    """The name of a grant in the CONSENTS item's `grants`."""
    return f"{purpose}#{channel}"


def is_allowed(grants: Mapping[str, Any], purpose: Purpose, channel: str) -> bool:
    """The customer's own word, or the purpose's default without one."""
    return bool(_basis(grants, purpose, channel)["allowed"])


def granted_at(consents: Item | None, purpose: str, channel: str) -> str:
    """When the customer said yes, if that is their last word; else ""."""
    grant = ((consents or {}).get("grants") or {}).get(grant_name(purpose, channel)) or {}
    return str(grant["at"]) if grant.get("status") == GRANTED else ""


def check_consent(
    grants: Mapping[str, Any], purpose: Purpose, channels: Sequence[str]
) -> tuple[tuple[str, ...], Rule]:
    """The channels that may be used, and the rule's entry with the proof of each."""
    inputs = {each: _basis(grants, purpose, each) for each in channels}
    allowed = tuple(each for each in channels if inputs[each]["allowed"])
    result = "allowed" if allowed else "refused"
    return allowed, {
        "rule": "consent",
        "result": result,
        "purpose": purpose.name,
        "channels": inputs,
    }


def _basis(grants: Mapping[str, Any], purpose: Purpose, channel: str) -> dict[str, Any]:
    grant = grants.get(grant_name(purpose.name, channel))
    if grant is None:
        default = purpose.consent_default(channel)
        return {"allowed": default == "assumed", "basis": f"default_{default}"}
    return {
        "allowed": grant["status"] == GRANTED,
        "basis": grant["status"],
        "at": grant.get("at"),
        "proof": grant.get("proof"),
    }
