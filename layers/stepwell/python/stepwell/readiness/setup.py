"""How a stage was set up to send: the environment of its delivery function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from stepwell.messages.services import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Empty text is what was not set."""

    email_from: str = ""
    email_configuration_set: str = ""
    sms_provider: str = Service.SNS
    sms_sender_id: str = ""
    sms_origination: str = ""
    sms_configuration_set: str = ""
    push_provider: str = Service.SNS
    push_application_arn: str = ""
    push_application_id: str = ""
    whatsapp_number_id: str = ""
    postal_address: str | None = None
    public_url: str | None = None
    """These two are None where the deployment does not know them yet."""
    paces: Mapping[str, float] = field(default_factory=dict)
    """What is sent a second, by channel; one without a lane is left out."""


_MAY_BE_EMPTY = ("postal_address", "public_url")


def read_setup(environment: Mapping[str, str]) -> Setup:
    """From the function's variables; what an older deployment does not have is as it was then."""
    plain = [name for name in Setup.__dataclass_fields__ if name != "paces"]
    texts = {name: environment[name.upper()] for name in plain if name.upper() in environment}
    found = {name: text for name, text in texts.items() if text or name in _MAY_BE_EMPTY}
    lanes = json.loads(environment.get("LANES") or "{}")
    paces = {channel: float(lane["per_second"]) for channel, lane in lanes.items()}
    return Setup(**found, paces=paces)
