"""Email by SES v2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.providers.errors import send_errors
from stepwell.ports import Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


@dataclass(frozen=True)
class SesEmail:
    """Content fields: `subject`, and `html` or `text` or both. Tags come back in SES's events.

    Where there is a way to unsubscribe, mail programs show a button for it (RFC 8058): they POST to
    the link. SES signs both headers with its DKIM signature, without which they are not believed.
    """

    client: SESV2Client
    sender: str
    configuration_set: str = ""

    def send(self, outgoing: Outgoing) -> str:
        request: dict[str, Any] = {
            "FromEmailAddress": self.sender,
            "Destination": {"ToAddresses": [outgoing.address]},
            "Content": {"Simple": _simple(outgoing)},
            "EmailTags": [
                {"Name": name, "Value": _tag_value(value)} for name, value in outgoing.tags.items()
            ],
        }
        if self.configuration_set:
            request["ConfigurationSetName"] = self.configuration_set
        with send_errors():
            return self.client.send_email(**request)["MessageId"]


def _simple(outgoing: Outgoing) -> dict[str, Any]:
    parts = {"Html": outgoing.content.get("html"), "Text": outgoing.content.get("text")}
    simple: dict[str, Any] = {
        "Subject": _utf8(outgoing.content["subject"]),
        "Body": {name: _utf8(text) for name, text in parts.items() if text is not None},
    }
    if outgoing.unsubscribe_url:
        simple["Headers"] = [
            {"Name": "List-Unsubscribe", "Value": f"<{outgoing.unsubscribe_url}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]
    return simple


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _tag_value(text: str) -> str:
    """SES takes letters, digits, `_` and `-` in a tag's value, 256 at most. The dot of a message's
    id becomes two dashes, by which feedback finds it again.
    """
    return "".join(
        each if (each.isascii() and each.isalnum()) or each in "_-" else "_"
        for each in text.replace(".", "--")
    )[:256]
