"""A hand-over as an event on a bus of Amazon EventBridge, where rules lead it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stepwell.aws.destinations.errors import told_errors
from stepwell.handover.destinations import EventBus
from stepwell.handover.errors import DestinationAwayError, DestinationRefusedError
from stepwell.handover.telling import HandOver

_LATER = {"InternalException", "InternalFailure", "ThrottlingException"}


@dataclass(frozen=True)
class EventBusTeller:
    """The event's `detail` is the hand-over's document, with its id: a bus takes the same twice."""

    client: Any

    def tell(self, bus: EventBus, hand_over: HandOver) -> str:
        entry = {
            "EventBusName": bus.bus,
            "Source": bus.source,
            "DetailType": bus.detail_type,
            "Detail": hand_over.text,
        }
        with told_errors():
            (answer,) = self.client.put_events(Entries=[entry])["Entries"]
        code = answer.get("ErrorCode")
        if code:
            raise (DestinationAwayError if code in _LATER else DestinationRefusedError)(code)
        return str(answer["EventId"])
