"""Marked values: made, and recognized wherever they show."""

from __future__ import annotations

import itertools
import json
from typing import Any


class Marks:
    """Makes personal values that can be told from all others, and finds them again."""

    def __init__(self, word: str = "Marked") -> None:
        self._word = word
        self._numbers = itertools.count(1)
        self.made: list[str] = []

    def _new(self, mark: str) -> str:
        self.made.append(mark.lower())
        return mark

    def text(self) -> str:
        return self._new(f"{self._word}{next(self._numbers):04}x")

    def email(self) -> str:
        return f"{self.text()}@Example.com"

    def phone(self) -> str:
        return "+44" + self._new(f"77009{next(self._numbers):05}")

    def number(self) -> float:
        return float(self._new(f"718.28{next(self._numbers):04}9"))

    def degrees(self) -> float:
        """A number that may be a latitude or a longitude, to a centimetre."""
        return float(self._new(f"51.28{next(self._numbers):04}9"))

    def whole(self) -> int:
        return int(self._new(f"5772156{next(self._numbers):04}"))

    def date(self) -> str:
        """A day that nothing else in a test knows."""
        return self._new(f"19{next(self._numbers) % 80 + 10}-02-03")

    def found(self, said: Any) -> list[str]:
        """The marks that show in a value, whatever its form, in small letters."""
        text = said if isinstance(said, str) else json.dumps(said, default=repr, ensure_ascii=False)
        lower = text.lower()
        return [mark for mark in self.made if mark in lower]
