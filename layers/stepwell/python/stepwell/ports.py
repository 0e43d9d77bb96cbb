"""What the engine needs from outside besides the store; `stepwell.aws` has the real ones.

Tests and the simulator pass their own. Each is one narrow thing, so a fake of it is a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from stepwell.journeys.program import Program
from stepwell.values import value


class Executions(Protocol):
    """Starts, wakes and stops journey executions. Each call is harmless when repeated.

    `journey` names the state machine: the journey's, or `customers.legs.legs_machine`.

    None of them raises for an execution that has ended, a token that is spent, or a throttle (which
    is queued and carried out later).
    """

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None: ...

    def wake(self, token: str, result: Mapping[str, Any]) -> None: ...

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None: ...


class Programs(Protocol):
    """Compiled journeys: the live ones, and any version that ever ran."""

    def live(self) -> Sequence[Program]: ...

    def version(self, version: str) -> Program: ...


class Hasher(Protocol):
    """HMAC with the stage's secret: the same personal value gives the same id, and none gives it
    back.
    """

    def __call__(self, kind: str, value: str) -> str: ...


@value
class Outgoing:
    """One rendered message to one address on one channel."""

    message_id: str
    channel: str
    address: str
    content: Mapping[str, str]
    tags: Mapping[str, str]


class ProviderError(Exception):
    """The provider did not accept the message; definitely not sent."""

    def __init__(self, code: str, *, retry: bool) -> None:
        super().__init__(code)
        self.code = code
        self.retry = retry
        """True: pushed back or temporarily down; defer. False: this address or setting is refused.
        """


class OutcomeUnknownError(Exception):
    """The provider may or may not have taken the message (time-out, lost connection)."""


class Provider(Protocol):
    """Sends on one channel. Raises ProviderError or OutcomeUnknownError."""

    def send(self, outgoing: Outgoing) -> str:
        """The provider's id of the accepted message."""
