"""The order in which a message tries its channels: as the journey declares them."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.messages.verdicts import Rule


def order_channels(declared: Sequence[str], usable: Sequence[str]) -> tuple[tuple[str, ...], Rule]:
    """The usable channels in declared order, and the rule's entry."""
    ordered = tuple(each for each in declared if each in usable)
    entry = {"rule": "channel", "result": "ordered", "by": "declared_order", "order": list(ordered)}
    return ordered, entry
