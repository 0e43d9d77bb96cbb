"""Push by AWS End User Messaging Push: `pinpoint:SendMessages` with the device's own token.

Of Pinpoint only this call lives on: no endpoints, no segments, no templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.providers.errors import send_errors
from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, ProviderError

if TYPE_CHECKING:
    from mypy_boto3_pinpoint import PinpointClient

_APPLE_TOKEN = re.compile(r"[0-9A-Fa-f]{64,200}")
_GONE = 410
_KINDS = {"THROTTLED": ErrorKind.THROTTLED, "TEMPORARY_FAILURE": ErrorKind.TEMPORARY}


@dataclass(frozen=True)
class EndUserPush:
    """Content fields: `title`, `body`. Without an application every send is refused."""

    client: PinpointClient
    application_id: str

    def send(self, outgoing: Outgoing) -> str:
        if not self.application_id:
            raise ProviderError("NoPushApplication", ErrorKind.CONFIGURATION)
        request: Any = {
            "Addresses": {outgoing.address: {"ChannelType": platform_of(outgoing.address)}},
            "MessageConfiguration": _payloads(outgoing),
            "TraceId": outgoing.message_id,
        }
        with send_errors():
            answer = self.client.send_messages(
                ApplicationId=self.application_id, MessageRequest=request
            )["MessageResponse"]
        results: dict[str, Any] = dict(answer.get("Result", {}))
        return _taken(results.get(outgoing.address, {}), str(answer.get("RequestId", "")))


def platform_of(token: str) -> str:
    """Apple's tokens are hexadecimal and longer than any such run in Google's."""
    return "APNS" if _APPLE_TOKEN.fullmatch(token) else "GCM"


def _payloads(outgoing: Outgoing) -> dict[str, Any]:
    shown = {
        "Title": outgoing.content.get("title", ""),
        "Body": outgoing.content["body"],
        "Action": "OPEN_APP",
        "Data": {"message_id": outgoing.message_id},
    }
    return {"GCMMessage": shown, "APNSMessage": shown}


def _taken(result: dict[str, Any], request_id: str) -> str:
    """The message's id. The call itself succeeds whatever became of the message."""
    status = result.get("DeliveryStatus", "UNKNOWN_FAILURE")
    if status == "SUCCESSFUL":
        return result.get("MessageId") or request_id
    if status == "UNKNOWN_FAILURE":
        raise OutcomeUnknownError(status)
    is_gone = status == "OPT_OUT" or result.get("StatusCode") == _GONE
    otherwise = ErrorKind.ADDRESS if is_gone else ErrorKind.CONFIGURATION
    raise ProviderError(status, _KINDS.get(status, otherwise))
