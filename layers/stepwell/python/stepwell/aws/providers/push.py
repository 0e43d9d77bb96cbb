"""Push by SNS: an endpoint for the device's token, then a message to the endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.aws.providers.errors import preparation_errors, send_errors
from stepwell.ports import ErrorKind, Outgoing, ProviderError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True)
class SnsPush:
    """Content fields: `title`, `body`. Without an application every send is refused."""

    client: SNSClient
    application_arn: str

    def send(self, outgoing: Outgoing) -> str:
        if not self.application_arn:
            raise ProviderError("NoPushApplication", ErrorKind.CONFIGURATION)
        with preparation_errors():
            # Answers the token's endpoint when there is one already.
            endpoint = self.client.create_platform_endpoint(
                PlatformApplicationArn=self.application_arn, Token=outgoing.address
            )["EndpointArn"]
        with send_errors():
            return self.client.publish(
                TargetArn=endpoint,
                MessageStructure="json",
                Message=json.dumps(_payloads(outgoing.content, outgoing.message_id)),
            )["MessageId"]


def _payloads(content: Mapping[str, str], message_id: str) -> dict[str, str]:
    """One payload per platform, each a JSON text; SNS picks the application's."""
    alert = {name: content[name] for name in ("title", "body") if name in content}
    apple = json.dumps({"aps": {"alert": alert}, "message_id": message_id})
    google = json.dumps({"notification": alert, "data": {"message_id": message_id}})
    return {"default": content["body"], "GCM": google, "APNS": apple, "APNS_SANDBOX": apple}
