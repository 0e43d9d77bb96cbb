"""A case: events at their moments, and where what follows from them is interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from stepwell.events.model import Event, EventType
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from tests.interleavings.baton import Interruption, What
from tests.support.crash_project import small_project
from tests.support.world import event

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOLD, DELAY = 600, 1200
"""Seconds of the journey's hold and of its delay."""
HOLDS = {"wait": "Wait", "wait_again": "Wait again", "until_touched": "Until touched"}
"""The names of the holds' states by the holds' ids."""

PATH = """\
journey: path
purpose: marketing
entry: {event: Began, reentry: always}
exit: [{event: Left}]
goal: {event: Acted, within: 1d}
steps:
  - hold:
      name: Wait
      for: 10m
      until:
        - {event: Touched, then: restart}
        - {event: Acted, then: continue}
  - message: {name: Suggest, channels: [sms], template: hello}
  - hold:
      name: Wait again
      for: 10m
      until:
        - {event: Acted, then: exit}
  - delay: {name: Later, for: 20m}
  - message: {name: Remind, channels: [push], template: hello, on_cap: wait}
"""
NEWS = """\
journey: news
purpose: marketing
entry: {event: Published, key: event.properties.id, reentry: never}
exit: [{event: Left}]
steps:
  - message: {name: Tell, channels: [sms], template: hello}
"""
RECEIPT = """\
journey: receipt
purpose: transactional
entry: {event: Paid, reentry: after_exit}
exit: [{event: Left}]
steps:
  - message: {name: Thank, channels: [sms], template: hello}
  - hold:
      name: Until touched
      for: 10m
      until: [{event: Touched, then: continue}]
"""


@cache
def definitions() -> Definitions:
    journeys = {"path": PATH, "news": NEWS, "receipt": RECEIPT}
    with small_project(journeys) as root:
        return read_definitions(root)


@dataclass(frozen=True, slots=True)
class Happens:
    """An event, `after` seconds from the start. `who`: the user, the device, or both of them."""

    after: int
    name: str
    who: str = "user"
    id: str = "1"

    def event(self, number: int) -> tuple[datetime, Event]:
        fields: dict[str, Any] = {
            "number": f"{number}",
            "user_id": None if self.who == "device" else "ada",
            "anonymous_id": None if self.who == "user" else "phone",
            "properties": {"id": self.id} if self.name == "Published" else {},
        }
        return START + timedelta(seconds=self.after), event(self.name, **fields)


@dataclass(frozen=True, slots=True)
class Case:
    events: tuple[Happens, ...]
    schedule: tuple[Interruption, ...]
    about: str = ""

    def document(self) -> Mapping[str, Any]:
        return {
            "about": self.about,
            "events": [[each.after, each.name, each.who, each.id] for each in self.events],
            "schedule": [[each.after, each.what.name, each.which] for each in self.schedule],
        }


def read_case(document: Mapping[str, Any]) -> Case:
    """Read what `Case.document` wrote."""
    return Case(
        tuple(Happens(*each) for each in document["events"]),
        tuple(
            Interruption(after, What[what], which) for after, what, which in document["schedule"]
        ),
        document["about"],
    )


def sign_up(number: int, who: str) -> tuple[datetime, Event]:
    """Reachable by SMS and push, each of the two with addresses of their own."""
    phone, token = ("+447700900001", "t1") if who == "user" else ("+447700900002", "t2")
    made = event(
        "",
        number=f"sign up {number}",
        type=EventType.IDENTIFY,
        user_id="ada" if who == "user" else None,
        anonymous_id="phone" if who == "device" else None,
        traits={"phone": phone, "timezone": "UTC"},
        context={"device": {"type": "android", "token": token}},
    )
    return START - timedelta(hours=1), made


# ---------------------------------------------------------------- generated

_MOMENTS = (0, 0, 1, 30, HOLD - 1, HOLD, HOLD, HOLD + 1, 2 * HOLD, 2 * HOLD + DELAY, 86_400)
_NAMES = ("Began", "Acted", "Touched", "Left", "Published", "Paid", "Seen")
_WHO = ("user", "user", "user", "device", "both")


def _at(after: int, *names: str) -> tuple[Happens, ...]:
    return tuple(Happens(after, name, *more) for name, *more in map(str.split, names))


THEMES = (
    _at(0, "Began"),
    # Two messages at once under a cap of one, of one person and of two who become one.
    _at(0, "Published user 1", "Published user 2"),
    _at(0, "Published user 1", "Published device 2", "Seen both"),
    # An event against the timer of a hold, and against its arming.
    (*_at(0, "Began"), *_at(HOLD, "Acted")),
    (*_at(0, "Began"), *_at(HOLD, "Touched")),
    _at(0, "Began", "Acted device", "Acted"),
    # An exit against a send, a wait and a hold.
    (*_at(0, "Began"), *_at(HOLD, "Left both")),
    (*_at(0, "Began", "Acted"), *_at(1, "Left both")),
    _at(0, "Paid", "Left both", "Touched device"),
    # An exit that stops who would ask again after a crash.
    (*_at(0, "Paid"), *_at(30, "Touched", "Left")),
    _at(0, "Published user 1", "Left both"),
    # A join against an armed slot, against a send, and of two runs of one journey.
    (*_at(0, "Began device"), *_at(HOLD, "Seen both", "Acted")),
    _at(0, "Began device", "Began user", "Seen both", "Acted user"),
    # Two groups of events that are one customer's.
    (*_at(0, "Began", "Seen both"), *_at(1, "Touched", "Acted device", "Seen device")),
    (*_at(0, "Began", "Seen both"), *_at(1, "Seen", "Seen device")),
    (*_at(0, "Published user 1", "Seen device"), *_at(1, "Seen both", "Published device 2")),
    # A new run in the place of the one before.
    (*_at(0, "Began"), *_at(HOLD, "Began both", "Acted")),
)
"""What is worth interleaving; more happens besides."""

happens = st.builds(
    Happens,
    st.sampled_from(_MOMENTS),
    st.sampled_from(_NAMES),
    st.sampled_from(_WHO),
    st.sampled_from(("1", "2")),
)
interruptions = st.builds(
    Interruption,
    st.integers(0, 9) | st.integers(0, 40),
    st.sampled_from((*([What.SWITCH] * 6), What.TICK, *What)),
    st.integers(0, 4),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    theme = draw(st.sampled_from(THEMES))
    more = draw(st.lists(happens, max_size=4))
    ordered = sorted((*theme, *more), key=lambda each: each.after)
    return Case(tuple(ordered), tuple(draw(st.lists(interruptions, max_size=12))))
