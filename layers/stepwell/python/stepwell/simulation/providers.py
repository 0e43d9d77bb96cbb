"""Providers of a simulation: those that accept everything, and the record of every call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepwell.ports import Outgoing, Provider, ProviderError

ACCEPTED = "accepted"
UNKNOWN = "unknown"


@dataclass
class AcceptingProvider:
    """Takes every message."""

    taken: int = 0

    def send(self, outgoing: Outgoing) -> str:
        self.taken += 1
        return f"{outgoing.channel}-{self.taken}"


@dataclass(frozen=True, slots=True)
class RecordedProvider:
    """Tells of each call and how it went: accepted, unknown, or the provider's error code.

    Unknown is also what a provider leaves behind that fails as none should: it takes its function
    down with it.
    """

    provider: Provider
    tell: Callable[[Outgoing, str], None]

    def send(self, outgoing: Outgoing) -> str:
        try:
            answer = self.provider.send(outgoing)
        except ProviderError as error:
            self.tell(outgoing, error.code)
            raise
        except Exception:
            self.tell(outgoing, UNKNOWN)
            raise
        self.tell(outgoing, ACCEPTED)
        return answer
