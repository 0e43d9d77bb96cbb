"""What is wrong with a journey, for people: where, a stable code, and what to do about it.

Codes are kept for ever, so that a search finds them: SW1xx reading and the language, SW2xx names
and sizes, SW3xx flow and time, SW4xx messages, SW5xx events and conditions, SW6xx templates,
SW7xx scenarios, SW8xx populations, SW9xx stacks, SW10xx profiles (of these SW1030 to SW1037
destinations and hand-overs).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A spot in a file. `line` counts from 1; `path` reads like `steps[0].hold.for`."""

    file: str
    line: int
    path: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    place: Place
    code: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f" at {self.place.path}" if self.place.path else ""
        spot = f"{self.place.file}:{self.place.line}"
        return f"{spot}: {self.code}{where}: {self.message}\n    {self.remedy}"

    def as_json(self) -> dict[str, str | int]:
        """{"file", "line", "path", "code", "message", "remedy"}."""
        return {
            **asdict(self.place),
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
        }


class CompileError(Exception):
    """Journeys cannot be compiled; `problems` has all that was found, in order of file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


def suggest(word: object, known: Iterable[str]) -> str:
    """`Did you mean "x"? ` or, with nothing close, a list of what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"There are: {', '.join(names)}." if names else "There are none yet."
