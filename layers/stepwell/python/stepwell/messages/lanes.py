"""A lane per provider keeps its rate: what does not fit is told when its turn is.

A lane is a line of moments, a fixed time apart; a message takes the next free one, which may be
now. A share of the rate is kept for the purposes that go first, as a line of their own, so that a
confirmation never waits behind ten thousand offers; they take whichever of the two is free sooner.
Moments of the last second that nobody took may still be taken, so that ten a second may come at
once. Taking one is one atomic addition: senders do not wait for each other.

    LANE   others, first   epoch milliseconds: the next free moment of each line
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from stepwell.customers import keys
from stepwell.storage.operations import (
    AnyOf,
    Condition,
    ConditionFailedError,
    Item,
    Store,
    StoreBusyError,
    Test,
    Update,
    absent,
)
from stepwell.values import value

OTHERS = "others"
FIRST = "first"
_TRIES = 20
_UNTAKEN_KEPT = 1_000
"""Milliseconds that an untaken moment can still be taken."""


@value
class Lane:
    """`per_second` messages; the share `kept` (from 0 to below 1) of it for who goes first."""

    name: str
    per_second: float
    kept: float = 0.2

    def apart(self, line: str) -> int:
        """Milliseconds between two moments of a line, rounded up: never above the rate."""
        share = self.kept if line == FIRST else 1 - self.kept
        return -int(-1_000 // (self.per_second * share))

    def lines(self, *, goes_first: bool) -> tuple[str, ...]:
        return (FIRST, OTHERS) if goes_first and self.kept else (OTHERS,)


NO_LANES: Mapping[str, Lane] = MappingProxyType({})


def read_lanes(text: str) -> dict[str, Lane]:
    """By channel, from the JSON text of `{channel: {"name", "per_second", "kept"}}`."""
    return {channel: Lane(**each) for channel, each in json.loads(text).items()}


def take_turn(
    store: Store, lane: Lane, now: datetime, *, goes_first: bool, latest: datetime | None = None
) -> datetime:
    """The message's moment: `now`, or when its turn is. One that is not before `latest` is told,
    and left to others. Raises StoreBusyError.
    """
    lines = lane.lines(goes_first=goes_first)
    line = lines[0] if len(lines) == 1 else _earlier(store.get(keys.lane(lane.name)), lines)
    limit = _milliseconds(latest) if latest else None
    return max(_moment(_take(store, lane, line, _milliseconds(now), limit)), now)


def _earlier(item: Item | None, lines: Iterable[str]) -> str:
    return min(lines, key=lambda line: (item or {}).get(line, 0))


def _take(store: Store, lane: Lane, line: str, now: int, limit: int | None) -> int:
    key, apart = keys.lane(lane.name), lane.apart(line)
    oldest = now - max(_UNTAKEN_KEPT - apart, 0)
    stands = [Condition(line, Test.AT_LEAST, oldest)]
    if limit is not None:
        stands.append(Condition(line, Test.LESS, limit))
    idle = (AnyOf((absent(line), Condition(line, Test.LESS, oldest))),)
    for _ in range(_TRIES):
        try:
            item = store.write(Update(key, add={line: apart}, conditions=tuple(stands)))
        except ConditionFailedError as error:
            next_free = int((error.items[0] or {}).get(line, 0))
            if limit is not None and next_free >= max(limit, oldest):
                return next_free
        else:
            return int(item[line]) - apart
        try:
            store.write(Update(key, {line: oldest + apart}, conditions=idle))
        except ConditionFailedError:
            continue
        return oldest
    raise StoreBusyError(f"lane {lane.name} changes too fast")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC)
