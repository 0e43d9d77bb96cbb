"""The index of customers for whom time alone may change something, by when that is.

A profile is in it while it has `due_shard` and `due_at`. Every other read of the store is strongly
consistent; this one is not, for DynamoDB's global indexes cannot be. It need not be: what is found
is only a reason to look at a customer, and who looks decides by the profile. What is found too
late is found the next time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from stepwell.storage.operations import Store

INDEX = "due"
"""The index's name in the customers table; its keys are `due_shard` and `due_at`."""


class Due(NamedTuple):
    """`at` is an ISO time, so that the earliest comes first in order."""

    at: str
    partition: str


class DueIndex(Protocol):
    def due(self, shard: str, until: str) -> Iterator[Due]:
        """Who is due in a shard, up to a moment and at it, the earliest first; read page by page
        as they are asked for.
        """


class DueStore(Store, DueIndex, Protocol):
    """Both: what a whole stage needs."""
