"""What the engine needs from outside besides the store; `stepwell.aws` has the real ones.

Tests and the simulator pass their own. Each is one narrow thing, so a fake of it is a few lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from stepwell.journeys.program import Program
from stepwell.values import value


def machine_at(journey: str, number: int) -> str:
    """A journey's state machine at a published version, as `Executions.start` takes it: qualified
    as in ARNs. Commands that were queued name it so, too.
    """
    return f"{journey}:{number}"


class Executions(Protocol):
    """Starts, wakes and stops journey executions, and has what the stopped ones left looked after.
    Each call is harmless when repeated.

    `journey` names the state machine: the journey's, or `customers.legs.legs_machine`. It may be
    started at a version (`machine_at`); executions of all versions share their names, so that
    whoever stops one needs none.

    None of them raises for an execution that has ended, a token that is spent, or a throttle (which
    is queued and carried out later).
    """

    def start(self, journey: str, execution: str, state: Mapping[str, Any]) -> None: ...

    def wake(self, token: str, result: Mapping[str, Any]) -> None: ...

    def stop(self, journey: str, execution: str, *, error: str, cause: str) -> None: ...

    def settle_later(self, customer: str, execution: str) -> None:
        """Have `messages.unanswered.settle_unanswered` called, once nobody can be at work on a
        message of the execution any more. `execution` is the name of the first leg.
        """


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
    """Ids and names, nothing personal: what providers send back in their receipts."""
    transactional: bool = False
    unsubscribe_url: str = ""
    """Where a POST ends messages of this purpose to this address; empty where there is no way."""


class ErrorKind(StrEnum):
    """Why a provider did not take a message, which decides what becomes of it."""

    THROTTLED = "throttled"
    """Too many at once: deferred."""
    TEMPORARY = "temporary"
    """The service or this account cannot send just now: deferred."""
    ADDRESS = "address"
    """This address takes nothing: suppressed; the next address or channel is tried."""
    CONFIGURATION = "configuration"
    """This message or account cannot be sent by this channel: the next channel is tried."""


class ProviderError(Exception):
    """The provider did not accept the message; definitely not sent."""

    def __init__(self, code: str, kind: ErrorKind) -> None:
        super().__init__(code)
        self.code = code
        self.kind = kind

    @property
    def may_go_later(self) -> bool:
        return self.kind in {ErrorKind.THROTTLED, ErrorKind.TEMPORARY}


class OutcomeUnknownError(Exception):
    """The provider may or may not have taken the message (time-out, lost connection)."""


class Provider(Protocol):
    """Sends on one channel. Raises ProviderError or OutcomeUnknownError."""

    def send(self, outgoing: Outgoing) -> str:
        """The provider's id of the accepted message."""


@runtime_checkable
class ToldById(Protocol):
    """A provider that tells of a message by its own id only, without the tags that it was given.

    Which message that is has to be kept when it is sent; one more write, so that it is left out
    where tags come back. A provider says so by having the attribute.
    """

    told_by_id: Literal[True]
