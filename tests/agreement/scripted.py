"""Providers and functions that fail as a case says, the same ones for moto and the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.ports import ErrorKind, OutcomeUnknownError, Outgoing, Provider, ProviderError

CHANNELS = ("sms", "push", "email")
JITTER = 0.5
"""The part of a retry's longest delay that is drawn on both sides."""


class ProviderDiedError(Exception):
    """The function died around its call to the provider."""


@dataclass
class Script:
    """What becomes of sends, by "<channel> <address>" in turn; what is not written is accepted."""

    outcomes: Mapping[str, Sequence[str]]
    tries: dict[str, int] = field(default_factory=dict)

    def next(self, outgoing: Outgoing) -> tuple[str, int]:
        """The outcome of this send, and its number at its address."""
        place = f"{outgoing.channel} {outgoing.address}"
        number = self.tries[place] = self.tries.get(place, 0) + 1
        outcomes = self.outcomes.get(place, ())
        return outcomes[number - 1] if number <= len(outcomes) else "accepted", number


@dataclass(frozen=True)
class ScriptedProvider:
    """`real` takes what the script lets through; without one it is taken by nobody.

    Provider ids are alike on both sides.
    """

    script: Script
    real: Provider | None = None

    def send(self, outgoing: Outgoing) -> str:
        outcome, number = self.script.next(outgoing)
        match outcome:
            case "refused":
                raise ProviderError("Refused", ErrorKind.CONFIGURATION)
            case "pushed_back":
                raise ProviderError("Throttled", ErrorKind.THROTTLED)
            case "unknown":
                raise OutcomeUnknownError("AnswerLost")
            case "dies_before":
                raise ProviderDiedError
        if self.real is not None:
            self.real.send(outgoing)
        if outcome == "dies_after":
            raise ProviderDiedError
        return f"{outgoing.channel}-{number}"


@dataclass
class Faults:
    """What becomes of a function's calls, in turn: "ok" or the name of an error."""

    errors: Mapping[str, Sequence[str]]
    calls: dict[str, int] = field(default_factory=dict)

    def next(self, function: str) -> str | None:
        """The error of this call of the function, or None."""
        number = self.calls[function] = self.calls.get(function, 0) + 1
        errors = self.errors.get(function, ())
        error = errors[number - 1] if number <= len(errors) else "ok"
        return None if error == "ok" else error
