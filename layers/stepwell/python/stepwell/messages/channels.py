"""The channels that there are, and the order in which a message tries them: as the journey declares
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from stepwell.messages.verdicts import Rule

Channel = Literal["sms", "push", "email", "in_app", "whatsapp"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Addressed = Literal["sms", "push", "email"]
"""Those with an address of their own. WhatsApp goes to the phone number, the inbox to the user."""
ADDRESSED: tuple[Addressed, ...] = get_args(Addressed)


def order_channels(declared: Sequence[str], usable: Sequence[str]) -> tuple[tuple[str, ...], Rule]:
    """The usable channels in declared order, and the rule's entry."""
    ordered = tuple(each for each in declared if each in usable)
    entry = {"rule": "channel", "result": "ordered", "by": "declared_order", "order": list(ordered)}
    return ordered, entry
