"""Amazon Comprehend: how a text sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from stepwell.profile.sentiment import Sentiment


class ComprehendClient(Protocol):
    """The one call of boto3's client that is used."""

    def detect_sentiment(self, *, Text: str, LanguageCode: str) -> dict[str, Any]: ...  # noqa: N803 - AWS's names


@dataclass(frozen=True)
class Comprehend:
    """Raises what botocore raises; the request must come again then."""

    client: ComprehendClient

    def sentiment(self, text: str, language: str) -> Sentiment:
        found = self.client.detect_sentiment(Text=text, LanguageCode=language)
        name = str(found["Sentiment"])
        return Sentiment(name.lower(), round(float(found["SentimentScore"][name.capitalize()]), 4))
