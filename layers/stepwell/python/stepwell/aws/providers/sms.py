"""SMS by SNS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.aws.providers.errors import send_errors
from stepwell.ports import Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef


@dataclass(frozen=True)
class SnsSms:
    """Content field: `body`. Without a sender id the account's own origination number is used.

    Transactional messages go out as such, so that carriers put them first; others as promotional.
    """

    client: SNSClient
    sender_id: str = ""

    def send(self, outgoing: Outgoing) -> str:
        kind = "Transactional" if outgoing.transactional else "Promotional"
        attributes: dict[str, MessageAttributeValueTypeDef] = {
            "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": kind}
        }
        if self.sender_id:
            attributes["AWS.SNS.SMS.SenderID"] = {
                "DataType": "String",
                "StringValue": self.sender_id,
            }
        with send_errors():
            return self.client.publish(
                PhoneNumber=outgoing.address,
                Message=outgoing.content["body"],
                MessageAttributes=attributes,
            )["MessageId"]
