"""Strategies for journeys and policies that compile without problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.agreement.cases import Json

PURPOSES = ("marketing", "service", "transactional")
DESTINATIONS = ("desk", "team")
CHANNELS = ("sms", "push", "email")
DURATIONS = ("1s", "10m", "45m", "1h", "6h", "1d", "3d")
LOCAL_TIMES = ("00:00", "01:30", "02:30", "09:00", "23:59")
WEEKDAYS = ("monday", "wednesday", "friday", "saturday", "sunday")
EVENTS = ("Acted", "Bought", "Left", "Began")

DATES = (
    "customer.traits.renews",
    "customer.traits.renews",
    "enrollment.entered_at + duration('30h')",
    "enrollment.event.timestamp",
    "timestamp(customer.traits.renews)",
)
"""What delays wait for. The trait may be missing, no date, past or too far ahead."""
OFFSETS = ("-1d", "+1d", "-1w", "1mo", "-1mo2d")
HOURS = ("-36h", "90m", "-1d1h", "+1d")

PROFILE: Json = {
    "computed": {
        "bought": {"kind": "count", "event": "Bought"},
        "bought_2d": {"kind": "count", "event": "Bought", "within": "2d"},
        "spent": {"kind": "sum", "event": "Bought", "value": "event.properties.revenue"},
        "last_bought": {"kind": "last", "event": "Bought"},
        "idle": {"kind": "days_since", "event": "Bought"},
        "ids": {"kind": "distinct", "event": "Began", "value": "event.properties.id"},
        "acted_since": {"kind": "count", "event": "Acted", "since": "Bought"},
    },
    "segments": {
        "gold": {"when": "customer.traits.plan == 'gold'"},
        "busy": {"when": "customer.computed.bought_2d >= 2.0"},
        "recent": {"when": "now - customer.computed.last_bought < duration('30h')"},
        "lapsed": {"when": "!customer.segments.recent && customer.computed.bought >= 1.0"},
        "idle": {"when": "customer.computed.idle >= 1.0 && customer.segments.gold"},
        "renewing": {"when": "timestamp(customer.traits.renews) - now < duration('24h')"},
    },
}
"""Of the customers of some cases; the sweep moves who is in most of these."""
SEGMENTS = tuple(PROFILE["segments"])

SAME_ID = "event.properties.id == enrollment.event.properties.id"
WHERE = {
    "Began": ("event.properties.amount > 20.0", "has(event.properties.word)"),
    "Acted": (
        SAME_ID,
        "event.properties.amount > 20.0",
        "has(event.properties.amount) && event.properties.amount < 20.0",
    ),
    "Bought": (SAME_ID, "event.properties.revenue >= 10.0", "has(customer.traits.plan)"),
    "Left": ("has(customer.traits.plan) && customer.traits.plan == 'gold'",),
}
"""Conditions by event. Some cannot be evaluated where a property is missing: then they are false,
with a problem. None of them asks for the entry event unless there is one.
"""
WHEN = (
    "has(customer.traits.plan) && customer.traits.plan == 'gold'",
    "customer.traits.plan == 'gold'",
    "enrollment.event.properties.amount > 20.0",
    "now > enrollment.entered_at + duration('6h')",
    "has(enrollment.event.properties.word)",
)
LIVING = (
    *(f"customer.segments.{name}" for name in SEGMENTS),
    "customer.computed.spent > 12.0",
    "customer.computed.bought_2d == 1.0",
    "customer.computed.ids >= 2.0 || customer.computed.acted_since >= 1.0",
    "now - customer.computed.last_bought > duration('6h')",
)
"""Where there is a profile."""
TELLING = ("Segment Entered", "Segment Left")

times = st.sampled_from(DURATIONS)
_sides_of_a_die = st.sampled_from([6, 5, 4, 3, 2, 1])
_lengths = {2: st.sampled_from([1, 2, 2]), 4: st.sampled_from([1, 2, 3, 4, 4, 4])}
channel_orders = st.permutations(CHANNELS).flatmap(
    lambda order: st.integers(1, 3).map(lambda count: list(order[:count]))
)


@dataclass
class _Names:
    """Gives every step and branch a name of its own; `left` bounds how many steps there are."""

    left: int
    parks: bool = False
    """Long delays are what the journey is about."""
    living: bool = False
    """There is a profile."""
    by_segment: bool = False
    """Nobody knows the properties of an event that is told."""
    used: int = field(default=0)

    def next(self, word: str) -> Json:
        self.used += 1
        self.left -= 1
        return {"name": f"{word} {self.used}"}

    def events(self) -> tuple[str, ...]:
        return EVENTS + TELLING * self.living

    def conditions(self, event: str) -> st.SearchStrategy[str]:
        """About an event."""
        if event in TELLING:
            return st.sampled_from([f"event.properties.segment == '{each}'" for each in SEGMENTS])
        return self._sampled(WHERE[event] + LIVING[:3] * self.living)

    def splits(self) -> st.SearchStrategy[str]:
        return self._sampled(WHEN + LIVING * self.living)

    def _sampled(self, conditions: Sequence[str]) -> st.SearchStrategy[str]:
        unknown = "enrollment.event.properties" if self.by_segment else "nothing"
        return st.sampled_from([each for each in conditions if unknown not in each])


@st.composite
def journeys(draw: st.DrawFn, name: str = "alpha", *, living: bool = False) -> Json:
    """The document of one journey, entered by Began or, where there is a profile, by a segment."""
    names = _Names(draw(st.sampled_from([3, 4, 5, 6, 7, 8])), living=living)
    names.by_segment = living and draw(st.booleans())
    entry: Json
    if names.by_segment:
        entry = {"segment": draw(st.sampled_from(SEGMENTS))}
        entry |= _maybe(draw, "on", st.just("leaving"))
    else:
        entry = {"event": "Began"}
        entry |= _maybe(draw, "where", st.sampled_from(WHERE["Began"]), times_in_six=1)
        entry |= _maybe(draw, "key", st.just("event.properties.id"))
    entry |= _maybe(
        draw,
        "reentry",
        st.sampled_from(["always", "after_exit", {"after": "1h"}, {"after": "1d"}]),
    )
    document: Json = {"journey": name, "purpose": "marketing", "entry": entry}
    if exits := draw(st.lists(_matches(names), max_size=2)):
        document["exit"] = exits
    document |= _maybe(draw, "goal", _goals(names))
    document |= _maybe(draw, "park_waits_over", st.just("1d"), times_in_six=2)
    names.parks = "park_waits_over" in document
    document["steps"], _ = _block(draw, names, depth=0)
    return document


@st.composite
def _matches(draw: st.DrawFn, names: _Names) -> Json:
    """An event, mostly one of those by which nothing begins, with a condition or without."""
    known = ("Left", "Bought", "Acted", "Left", "Bought", "Began", *TELLING * names.living)
    event = draw(st.sampled_from(known))
    often = 5 if event in TELLING else 2
    return {"event": event} | _maybe(draw, "where", names.conditions(event), times_in_six=often)


@st.composite
def _goals(draw: st.DrawFn, names: _Names) -> Json:
    goal: Json = {"event": "Bought", "within": draw(times)}
    goal |= _maybe(draw, "where", names.conditions("Bought"), times_in_six=2)
    return goal | _maybe(draw, "value", st.just("event.properties.revenue"))


def _block(draw: st.DrawFn, names: _Names, depth: int) -> tuple[list[Json], bool]:
    """Steps, and whether something can come after them."""
    steps: list[Json] = []
    goes_on = True
    most = 4 if depth == 0 else 2
    while goes_on and (not steps or (names.left > 0 and len(steps) < draw(_lengths[most]))):
        kinds = ["hold", "message", "message", "message", "delay", "hand_over"] + [
            "hold",
            "split",
        ] * (depth < 2)
        kinds += ["delay"] * 5 * names.parks
        step, goes_on = _STEPS[draw(st.sampled_from(kinds))](draw, names, depth)
        steps.append(step)
    return steps, goes_on


def _hold(draw: st.DrawFn, names: _Names, depth: int) -> tuple[Json, bool]:
    body = names.next("Hold") | {"for": draw(times), "until": []}
    always: set[str] = set()
    ways: list[bool] = []
    for number in range(draw(st.integers(1, 3))):
        event = draw(st.sampled_from([each for each in names.events() if each not in always]))
        branch: Json = {"id": f"b{number}", "event": event}
        branch |= _maybe(draw, "where", names.conditions(event), times_in_six=2)
        if "where" not in branch:
            always.add(event)
        then, goes_on = _then(draw, names, depth, ("restart",))
        ways.append(goes_on)
        body["until"].append(branch | {"then": then})
    body["timeout"], timeout_goes_on = _then(draw, names, depth)
    if any(branch["then"] == "restart" for branch in body["until"]):
        body["max_restarts"] = draw(st.integers(1, 3))
    return {"hold": body}, any(ways) or timeout_goes_on


def _then(
    draw: st.DrawFn, names: _Names, depth: int, more: tuple[str, ...] = ()
) -> tuple[Any, bool]:
    """What a branch leads to, and whether it comes together with the others behind the step."""
    steps = ["steps"] * 3 if names.left > 0 else []
    word = draw(st.sampled_from(["continue"] * 3 + steps + ["exit"] + [*more] * 2))
    if word == "steps":
        return _block(draw, names, depth + 1)
    return word, word == "continue"


def _split(draw: st.DrawFn, names: _Names, depth: int) -> tuple[Json, bool]:
    body = names.next("Split") | {"branches": []}
    ways: list[bool] = []
    for number in range(draw(st.integers(1, 2))):
        arm = {"id": f"a{number}", "name": f"Arm {number}", "when": draw(names.splits())}
        arm["then"], goes_on = _then(draw, names, depth)
        ways.append(goes_on)
        body["branches"].append(arm)
    body["otherwise"], goes_on = _then(draw, names, depth)
    return {"split": body}, any(ways) or goes_on


def _delay(draw: st.DrawFn, names: _Names, _depth: int) -> tuple[Json, bool]:
    body = names.next("Delay")
    form = draw(st.sampled_from(["for", "for", "until", "until", "date"] + ["long"] * names.parks))
    if form == "long":
        return {"delay": body | {"for": draw(st.sampled_from(["2d", "3d", "8d"]))}}, True
    if form == "for":
        return {"delay": body | {"for": draw(times)}}, True
    if form == "date":
        return {"delay": body | {"until": draw(_dates())}}, True
    body["until"] = f"{draw(st.sampled_from(LOCAL_TIMES))} local"
    days = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True)
    return {"delay": body | _maybe(draw, "weekdays", days)}, True


@st.composite
def _dates(draw: st.DrawFn) -> Json:
    date: Json = {"date": draw(st.sampled_from(DATES))}
    if draw(st.booleans()):
        date["at"] = f"{draw(st.sampled_from(LOCAL_TIMES))} local"
    return date | _maybe(draw, "offset", st.sampled_from(OFFSETS if "at" in date else HOURS))


def _message(draw: st.DrawFn, names: _Names, _depth: int) -> tuple[Json, bool]:
    words = st.sampled_from(["wait", "skip", "next_channel"])
    body = names.next("Message") | {
        "channels": draw(channel_orders),
        "template": draw(_templates(names)),
        "on_quiet_hours": draw(words),
        "on_cap": draw(words),
    }
    body |= _maybe(draw, "purpose", st.sampled_from(PURPOSES), times_in_six=2)
    return {"message": body | _maybe(draw, "worthless_after", times, times_in_six=2)}, True


def _templates(names: _Names) -> st.SearchStrategy[str]:
    if names.by_segment:
        return st.sampled_from(["plain", "plain", "living"])
    return st.sampled_from(["hello", "hello", "strict", *["living"] * names.living])


def _hand_over(draw: st.DrawFn, names: _Names, depth: int) -> tuple[Json, bool]:
    body = names.next("Ask") | {"to": draw(st.sampled_from(DESTINATIONS)), "reason": "Stuck"}
    body["otherwise"], _ = _then(draw, names, depth + 1)
    return {"hand_over": body}, True


_STEPS = {
    "hold": _hold,
    "split": _split,
    "delay": _delay,
    "message": _message,
    "hand_over": _hand_over,
}


def _maybe(
    draw: st.DrawFn, name: str, values: st.SearchStrategy[Any], *, times_in_six: int = 3
) -> Json:
    """The key with a value, so many times in six."""
    return {name: draw(values)} if draw(_sides_of_a_die) <= times_in_six else {}


@st.composite
def policies(draw: st.DrawFn) -> Json:
    """The three purposes, up to three caps, up to two times of quiet hours."""
    consent = st.sampled_from(["assumed", "assumed", "assumed", "required"])
    purposes = {
        name: {
            "consent": draw(consent),
            "consent_on": draw(st.dictionaries(st.sampled_from(CHANNELS), consent, max_size=1)),
            "capped": name == "marketing",
            "after_unknown_outcome": draw(st.sampled_from(["drop", "resend"])),
        }
        for name in PURPOSES
    }
    document: Json = {
        "purposes": purposes,
        "caps": [
            {"name": f"cap_{number}", "purposes": ["marketing"]} | draw(_caps)
            for number in range(draw(st.sampled_from([0, 1, 1, 2, 3])))
        ],
        "quiet_hours": [draw(_quiet_hours()) for _ in range(draw(st.sampled_from([0, 1, 1, 2])))],
    }
    document |= _maybe(draw, "spread", st.sampled_from(["1m", "15m"]), times_in_six=2)
    document |= _maybe(draw, "max_asks", st.integers(1, 4), times_in_six=2)
    return document | _maybe(draw, "default_zone", st.just("Asia/Tokyo"), times_in_six=2)


_caps = st.fixed_dictionaries(
    {
        "at_most": st.sampled_from([1, 1, 2]),
        "per": st.sampled_from(["45m", "6h", "24h", "7d"]),
        "channels": st.lists(st.sampled_from(CHANNELS), max_size=2, unique=True),
    }
)


@st.composite
def _quiet_hours(draw: st.DrawFn) -> Json:
    start, end = draw(
        st.sampled_from(
            [("21:00", "08:00"), ("22:15", "02:30"), ("09:00", "17:00"), ("00:00", "01:30")]
        )
    )
    return {
        "purposes": ["marketing", *draw(st.lists(st.sampled_from(PURPOSES[1:]), unique=True))],
        "channels": draw(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True)),
        "from": start,
        "to": end,
    }
