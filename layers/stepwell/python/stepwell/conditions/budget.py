"""How much one evaluation may do.

Without loops an expression costs its size times the data's. Loops multiply, so all that a condition
with loops does is paid from one budget: passes, elements looked at or copied, text in units of 256.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.conditions.errors import OperationError

BUDGET = "(budget)"
"""The budget's name in a scope; no identifier can be spelled like it."""

MAX_STEPS = 10_000


def new_budget() -> list[int]:
    """One number, what is left, in a list that all parts of an evaluation share."""
    return [MAX_STEPS]


def budget_of(scope: Mapping[str, Any]) -> list[int]:
    """The evaluation's budget, or a fresh one for a single operation outside any loop."""
    return scope.get(BUDGET) or new_budget()


def spend(budget: list[int], steps: int) -> None:
    """Raises OperationError when the budget is used up."""
    budget[0] -= steps
    if budget[0] < 0:
        raise OperationError(f"takes more than {MAX_STEPS} steps")


def length_cost(value: Any) -> int:
    """Steps for going through a value once."""
    if type(value) is str:
        return len(value) // 256
    return len(value) if type(value) is list else 0
