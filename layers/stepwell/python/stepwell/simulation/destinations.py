"""Destinations of hand-overs in a simulation: they take everything, or answer as they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.handover.destinations import Destination
from stepwell.handover.errors import DestinationAwayError, DestinationRefusedError
from stepwell.handover.telling import HandOver

TAKEN = "accepted"
_ERRORS = {"refused": DestinationRefusedError, "away": DestinationAwayError}


@dataclass
class SimulatedDestinations:
    """`answers`: by destination, one word a try, the last for all that follow. `told` has what was
    told, in order, refused or not.
    """

    declared: Mapping[str, Destination]
    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    told: list[HandOver] = field(default_factory=list)
    _tries: Counter[str] = field(default_factory=Counter)

    def tell(self, hand_over: HandOver) -> str:
        self.told.append(hand_over)
        name = hand_over.destination.name
        answers = self.answers.get(name) or (TAKEN,)
        answer = answers[min(self._tries[name], len(answers) - 1)]
        self._tries[name] += 1
        if answer in _ERRORS:
            raise _ERRORS[answer](answer)
        return f"{name}-{self._tries[name]}"
