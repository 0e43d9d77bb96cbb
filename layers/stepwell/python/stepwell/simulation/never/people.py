"""Who a customer was at a moment, when customers became one in the course of a simulation."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.simulation.trace import Joined


class People:
    """Made of the joins of a simulation, in their order."""

    def __init__(self, joined: Sequence[Joined]) -> None:
        self._joined = {each.former: each for each in joined}

    def at_send(self, customer: str, number: int) -> str:
        """Who the customer was when so many calls to providers had been made."""
        while (join := self._joined.get(customer)) is not None and join.sends <= number:
            customer = join.customer
        return customer

    def at_end(self, customer: str) -> str:
        while (join := self._joined.get(customer)) is not None:
            customer = join.customer
        return customer

    def joins_of(self, person: str) -> list[Joined]:
        """The joins by which somebody became who they are at the end."""
        return [each for each in self._joined.values() if self.at_end(each.former) == person]
