"""What a benchmark answers: a measured value beside its budget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit; `at_least` turns it from a ceiling into a floor."""

    limit: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table. Without a budget it is told for information."""

    group: str
    name: str
    value: float
    unit: str
    budget: Budget | None = None
    note: str = ""

    @property
    def within(self) -> bool | None:
        return self.budget.holds(self.value) if self.budget else None


def at_most(limit: float) -> Budget:
    return Budget(limit)


def at_least(limit: float) -> Budget:
    return Budget(limit, at_least=True)
