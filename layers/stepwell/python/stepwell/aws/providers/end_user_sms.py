"""SMS by AWS End User Messaging (`pinpoint-sms-voice-v2`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.providers.errors import send_errors
from stepwell.ports import Outgoing

if TYPE_CHECKING:
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

IN_CONTEXT = ("customer", "message", "journey", "purpose")
"""What comes back in receipts, which may lack the number. The service takes five at most."""


@dataclass(frozen=True)
class EndUserSms:
    """Content field: `body`. Without an origination identity the service chooses one of the
    account's; without a configuration set there are no receipts.
    """

    client: PinpointSMSVoiceV2Client
    origination: str = ""
    configuration_set: str = ""

    def send(self, outgoing: Outgoing) -> str:
        request: dict[str, Any] = {
            "DestinationPhoneNumber": outgoing.address,
            "MessageBody": outgoing.content["body"],
            "MessageType": "TRANSACTIONAL" if outgoing.transactional else "PROMOTIONAL",
            "Context": {name: outgoing.tags[name] for name in IN_CONTEXT if name in outgoing.tags},
        }
        if self.origination:
            request["OriginationIdentity"] = self.origination
        if self.configuration_set:
            request["ConfigurationSetName"] = self.configuration_set
        with send_errors():
            return self.client.send_text_message(**request)["MessageId"]
