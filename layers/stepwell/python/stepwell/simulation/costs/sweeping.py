"""What it costs and takes when many customers are due at one moment, and each leaves a segment.

On paper: what an event reads and writes is measured (`scale.yaml`), the rest follows from the
sweep's limit and the price table's assumptions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from stepwell.profile.living import SHARDS, SWEPT_EVERY
from stepwell.profile.sweeping import AT_MOST
from stepwell.simulation.costs.prices import PriceTable
from stepwell.simulation.costs.scale import Scale
from stepwell.simulation.costs.units import STORED_BESIDES, item_size

ENTRY = {
    "pk": "CUSTOMER#c0123456789abcdef01234567",
    "sk": "PROFILE",
    "due_shard": "DUE#00",
    "due_at": "2026-11-24T21:15:00.000Z",
}
"""An item of the index, as large as they all are."""
_READ = 4096
_EVENTUALLY = 0.5
"""Of a read unit, that 4 KB take when they are not read strongly consistently."""
_MOVED = 2
"""Write units of the index when a moment changes: one entry goes, another one comes."""
_QUEUE_CALLS = 3
_CALLS = 3
"""Of the router for an event: two reads and a transaction."""


@dataclass(frozen=True, slots=True)
class SweptMany:
    """`customers` due at once, with one event told of each besides `Time Passed`."""

    customers: int
    scale: Scale
    prices: PriceTable

    @property
    def events(self) -> int:
        return 2 * self.customers

    @property
    def runs(self) -> int:
        return math.ceil(self.customers / AT_MOST)

    @property
    def takes(self) -> timedelta:
        """From the first run of the schedule to the last."""
        return (self.runs - 1) * SWEPT_EVERY

    @property
    def run_seconds(self) -> float:
        """Of a run that tells of as many as it may."""
        calls = AT_MOST / self.prices.assumptions.events_per_batch + SHARDS + 1
        return self.prices.assumptions.function_seconds(calls, 0, 1)

    @property
    def events_a_second(self) -> float:
        return self.events / (self.runs * SWEPT_EVERY.total_seconds())

    @property
    def index_reads(self) -> float:
        """Each customer once; a run begins with every shard, and reads on from there."""
        bytes_read = self.customers * item_size(ENTRY)
        return _EVENTUALLY * (bytes_read / _READ + self.runs * SHARDS)

    def amounts(self) -> Mapping[str, float]:
        """By the names of prices."""
        assumed, event = self.prices.assumptions, self.scale.measured.tables["event"]
        batches = self.events / assumed.events_per_batch
        router = assumed.function_seconds(_CALLS * self.events, 0, batches, puts=batches)
        seconds = router + self.runs * self.run_seconds
        return {
            "write": self.events * event.writes + self.customers * _MOVED,
            "read": self.events * event.reads + self.index_reads,
            "fifo": _QUEUE_CALLS * batches,
            "invocation": batches + self.runs,
            "function_time": seconds * assumed.function_memory_gb,
            "put": batches,
        }

    @property
    def dollars(self) -> float:
        return sum(self.prices.dollars(self.amounts()).values())

    @property
    def scan_dollars(self) -> float:
        """Reading everything in the customers table, to find whom new definitions concern."""
        stored = self.customers * self.scale.measured.stored_bytes
        return self.prices.dollars({"read": _EVENTUALLY * stored / _READ})["read"]

    @property
    def index_bytes(self) -> int:
        return self.customers * (item_size(ENTRY) + STORED_BESIDES)
