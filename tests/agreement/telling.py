"""What happened in a case, as lines of text that are equal if all of it is equal."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stepwell.handover.telling import HandOver
from stepwell.ports import Outgoing
from stepwell.storage.operations import Item
from stepwell.timestamps import to_text

_NORMALISED = {"token": "a task token", "claimed_by": "an attempt"}
"""Attributes that are made at random by AWS, and what stands for them."""

_LEFT_OUT = {"pk", "sk", "machine_version"}
"""Keys are in an item's name; the simulator has one definition of each machine, without a number.
"""

_LINK = re.compile(r"\?t=[\w.-]+")


@dataclass(frozen=True, slots=True)
class Told:
    """An execution: states with the moments at which they were entered, and how it ended."""

    execution: str
    started: datetime
    states: Sequence[tuple[datetime, str]]
    status: str
    ended: datetime | None
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Executions, sends with what became of them, items by "<table> <pk> <sk>", warnings, and how
    often each function was called.
    """

    executions: Sequence[Told]
    sends: Sequence[tuple[datetime, Outgoing, str]]
    items: Mapping[str, Item]
    problems: Sequence[tuple[datetime, str]]
    calls: Mapping[str, int]
    told: Sequence[HandOver] = ()

    def lines(self) -> list[str]:
        return [
            *(line for each in sorted(self.executions, key=_name) for line in _execution(each)),
            *(line for send in self.sends for line in _send(*send)),
            *(f"told {each.destination.name} {each.text}" for each in self.told),
            *(f"problem {to_text(at)} {text}" for at, text in self.problems),
            *(f"calls of {name}: {count}" for name, count in sorted(self.calls.items()) if count),
            *(line for name in sorted(self.items) for line in _item(name, self.items[name])),
        ]


def differences(moto: Story, simulator: Story) -> str:
    """A diff with the lines around what differs; empty if nothing does."""
    ours, theirs = moto.lines(), simulator.lines()
    return "\n".join(difflib.unified_diff(ours, theirs, "moto", "simulator", lineterm="", n=4))


def _name(told: Told) -> str:
    return told.execution


def _execution(told: Told) -> Iterator[str]:
    yield f"execution {told.execution}"
    yield f"  {to_text(told.started)} started"
    for at, state in told.states:
        yield f"  {to_text(at)} {state}"
    ended = to_text(told.ended) if told.ended else "(never)"
    yield f"  {ended} {told.status} error={told.error} cause={told.cause}"


def _send(at: datetime, outgoing: Outgoing, outcome: str) -> Iterator[str]:
    place = f"{outgoing.channel} {outgoing.address}"
    yield f"send {to_text(at)} {outgoing.message_id} to {place}: {outcome}"
    # The simulator's links are all the same one, so that a run does not depend on internal ids.
    yield f"  content {_LINK.sub('?t=example', _json(outgoing.content))}"
    yield f"  tags {_json(outgoing.tags)}"


def _item(name: str, item: Item) -> Iterator[str]:
    yield f"item {name}"
    for attribute, value in sorted(item.items()):
        if attribute in _LEFT_OUT:
            continue
        shown = _NORMALISED.get(attribute, value)
        if isinstance(shown, list):
            yield f"  {attribute}:"
            yield from (f"    {_json(each)}" for each in shown)
        else:
            yield f"  {attribute}: {_json(shown)}"


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
