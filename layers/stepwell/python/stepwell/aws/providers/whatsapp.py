"""WhatsApp by AWS End User Messaging Social: messages of templates that Meta has approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from stepwell.aws.providers.errors import send_errors
from stepwell.ports import ErrorKind, Outgoing, ProviderError

if TYPE_CHECKING:
    from mypy_boto3_socialmessaging import EndUserMessagingSocialClient

META_API = "v20.0"


@dataclass(frozen=True)
class WhatsApp:
    """Content fields: `template` (its name at Meta), `language`, and `parameter_1` and so on, in
    the order of the template's body. Without a phone number id every send is refused.
    """

    client: EndUserMessagingSocialClient
    phone_number_id: str

    def send(self, outgoing: Outgoing) -> str:
        if not self.phone_number_id:
            raise ProviderError("NoWhatsAppNumber", ErrorKind.CONFIGURATION)
        with send_errors():
            return self.client.send_whatsapp_message(
                originationPhoneNumberId=self.phone_number_id,
                message=json.dumps(_message(outgoing)).encode(),
                metaApiVersion=META_API,
            )["messageId"]


def _message(outgoing: Outgoing) -> dict[str, Any]:
    """As Meta's Cloud API has it."""
    content = outgoing.content
    template: dict[str, Any] = {
        "name": content["template"],
        "language": {"code": content["language"]},
    }
    parameters = [{"type": "text", "text": text} for text in parameters_of(content)]
    if parameters:
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {
        "messaging_product": "whatsapp",
        "to": outgoing.address,
        "type": "template",
        "template": template,
    }


def parameters_of(content: Mapping[str, str]) -> list[str]:
    """The texts of `parameter_1`, `parameter_2` and so on."""
    names = takewhile(content.__contains__, (f"parameter_{number}" for number in count(1)))
    return [content[name] for name in names]
