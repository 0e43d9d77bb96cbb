"""Strategies for whole cases: customers, and what they do before, at and after each timer.

A timeline grows call by call. Before each, the simulator plays what there is so far, and the new
call is put to one of the moments at which something happened, or a second or a millisecond beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from stepwell.timestamps import to_text
from tests.agreement import journeys
from tests.agreement.cases import Call, Case, Json
from tests.agreement.on_simulation import moments_of

STARTS = (
    datetime(2026, 11, 24, 21, 14, tzinfo=UTC),
    datetime(2026, 10, 24, 12, 0, tzinfo=UTC),  # the night before clocks go back in Europe
    datetime(2026, 3, 28, 23, 30, tzinfo=UTC),  # and forward
    datetime(2026, 3, 7, 20, 0, tzinfo=UTC),  # forward in America
    datetime(2028, 2, 28, 8, 0, 0, 250_000, tzinfo=UTC),
)
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "nowhere")
OUTCOMES = ("accepted", "refused", "pushed_back", "unknown", "dies_before", "dies_after")
FUNCTIONS = ("plan", "consent", "frequency_cap", "delivery", "hand_over")
TAKING = ("away", "refused", "away", "accepted")
ERRORS = ("ok", "StoreBusyError", "RuntimeError", "Lambda.TooManyRequestsException")
"""Of functions; which of them are tried again is in send_message's definition."""
MOST_CALLS = 9
"""After a customer was introduced and began."""

_beside = st.sampled_from(
    [timedelta(seconds=each) for each in (0, 0, 0, -0.001, 0.001, -1, 1, 60, 3_600)]
)
_plans = st.sampled_from(["gold", "none"])
_names = st.sampled_from(journeys.EVENTS)


@dataclass(frozen=True, slots=True)
class Person:
    """`anonymous` people begin under their device's id. Whoever is `twice` is known under both ids
    before it turns out that they are one.
    """

    name: str
    number: int
    anonymous: bool
    twice: bool

    def ids(self) -> Json:
        return self.device() if self.anonymous else self.user()

    def other_ids(self) -> Json:
        return self.user() if self.anonymous else self.device()

    def user(self) -> Json:
        return {"userId": self.name}

    def device(self) -> Json:
        return {"anonymousId": f"device-{self.name}"}

    @property
    def phone(self) -> str:
        return ("+447700900123", "+12125550123")[self.number]

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    @property
    def tokens(self) -> tuple[str, str]:
        return f"{self.name}-old", f"{self.name}-new"

    def places(self) -> list[str]:
        """Every address, as scripts of providers name it."""
        tokens = [f"push {token}" for token in self.tokens]
        return [f"sms {self.phone}", f"email {self.email}", *tokens]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    people = [
        Person(
            name,
            number,
            draw(st.sampled_from([False, False, True])),
            draw(st.sampled_from([False, True])),
        )
        for number, name in enumerate(["ada", "ben"][: draw(st.sampled_from([1, 1, 2]))])
    ]
    start = draw(st.sampled_from(STARTS))
    living = draw(st.booleans())
    case = Case(
        start=start,
        profile=journeys.PROFILE if living else {},
        journeys=_alone_or_with_another(draw, living=living),
        policies=draw(journeys.policies()),
        calls=[],
        providers=draw(_providers(people)),
        faults=draw(_faults()),
        destinations=draw(_destinations()),
    )
    for person in people:
        case = _introduced(draw, case, person, person.ids())
        if person.twice:
            case = _introduced(draw, case, person, person.other_ids())
    for _ in range(draw(st.sampled_from([0, 2, 4, 5, 6, 7, 8, MOST_CALLS]))):
        case = _with_one_more(draw, case, draw(st.sampled_from(people)))
    return case


def _alone_or_with_another(draw: st.DrawFn, *, living: bool) -> dict[str, Json]:
    names = draw(st.sampled_from([["alpha"], ["alpha"], ["alpha", "beta"]]))
    return {name: draw(journeys.journeys(name, living=living)) for name in names}


@st.composite
def _providers(draw: st.DrawFn, people: list[Person]) -> dict[str, list[str]]:
    """For most nothing: their messages are accepted."""
    places = [place for person in people for place in person.places()]
    outcomes = st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=3)
    if draw(st.booleans()):
        return {}
    return draw(st.dictionaries(st.sampled_from(places), outcomes, max_size=3))


@st.composite
def _destinations(draw: st.DrawFn) -> dict[str, list[str]]:
    """For half of the cases nothing: they take everything."""
    if draw(st.booleans()):
        return {}
    answers = st.lists(st.sampled_from(TAKING), min_size=1, max_size=6)
    names = st.sampled_from(journeys.DESTINATIONS)
    return draw(st.dictionaries(names, answers, min_size=1, max_size=2))


@st.composite
def _faults(draw: st.DrawFn) -> dict[str, list[str]]:
    """For most nothing: their functions answer."""
    errors = st.lists(st.sampled_from(ERRORS), min_size=1, max_size=6)
    if draw(st.sampled_from([False, False, False, True])):
        return draw(st.dictionaries(st.sampled_from(FUNCTIONS), errors, min_size=1, max_size=2))
    return {}


def _introduced(draw: st.DrawFn, case: Case, person: Person, ids: Json) -> Case:
    """Who they are, what they allow, and the event by which journeys begin.

    Under their other ids mostly without what would tell at once that it is they.
    """
    identify = _identify(draw, case, person)
    if ids != person.ids() and draw(st.sampled_from([True, True, False])):
        traits = identify["traits"]
        told = {name: traits[name] for name in traits if name not in ("email", "phone")}
        identify = {"traits": told, "context": {}}
    case = _added(case, case.start, "identify", ids | identify)
    for channel in journeys.CHANNELS:
        if draw(st.sampled_from([False, False, True])):
            case = _added(case, case.start, "track", ids | _consent(draw, channel))
    later = draw(st.sampled_from([0, 0, 0.001, 1, 600]))
    began = ids | _event(draw, "Began")
    return _added(case, case.start + timedelta(seconds=later), "track", began)


def _with_one_more(draw: st.DrawFn, case: Case, person: Person) -> Case:
    at = max(case.start, draw(st.sampled_from(moments_of(case))) + draw(_beside))
    kinds = ["event"] * 7 + ["consent", "identify", "again"]
    kind = draw(st.sampled_from(kinds + ["join", "join", "join", "alias"] * person.twice))
    ids = person.other_ids() if person.twice and draw(st.booleans()) else person.ids()
    match kind:
        case "alias":
            renamed = person.user() | {"previousId": f"device-{person.name}"}
            return _added(case, at, "alias", renamed)
        case "join":
            both = person.user() | person.device()
            if draw(st.booleans()):
                return _added(case, at, "identify", both | _identify(draw, case, person))
            return _added(case, at, "track", both | _event(draw, draw(_names)))
        case "again":
            known = [call for call in case.calls if not call.again and call.at <= at]
            again = replace(draw(st.sampled_from(known or case.calls[:1])), at=at, again=True)
            return replace(case, calls=[*case.calls, again])
        case "identify":
            if person.anonymous and draw(st.booleans()):
                ids |= person.user()
            return _added(case, at, "identify", ids | _identify(draw, case, person))
        case "consent":
            document = _consent(draw, draw(st.sampled_from(journeys.CHANNELS)))
        case _:
            document = _event(draw, draw(_names))
    hours = draw(st.sampled_from([0] * 8 + [2, 24, 25]))
    if hours:
        document |= {"timestamp": to_text(at - timedelta(hours=hours))}
    return _added(case, at, "track", ids | document)


def _added(case: Case, at: datetime, kind: str, document: Json) -> Case:
    numbered = {"messageId": f"m{len(case.calls)}"} | document
    return replace(case, calls=[*case.calls, Call(at, kind, numbered)])


def _event(draw: st.DrawFn, name: str) -> Json:
    properties: Json = {}
    texts: dict[str, Any] = {
        "id": st.sampled_from(["one", "one", "two"]),
        "word": st.just("a word"),
        "amount": st.sampled_from([5, 20, 20.5, 300]),
        "revenue": st.sampled_from([0, 10, 12.34]),
    }
    for each, values in texts.items():
        if draw(st.sampled_from([True] * 7 + [False])):
            properties[each] = draw(values)
    return {"event": name, "properties": properties}


def _consent(draw: st.DrawFn, channel: str) -> Json:
    properties = {
        "purpose": draw(st.sampled_from(["marketing", "marketing", *journeys.PURPOSES])),
        "channel": channel,
        "status": draw(st.sampled_from(["granted", "granted", "revoked"])),
    }
    return {"event": "Consent Updated", "properties": properties}


def _renewals(start: datetime) -> list[Any]:
    """Dates, local times and moments soon after the start; one past, one far away, and no dates."""
    soon = start + timedelta(days=2, minutes=20, milliseconds=250)
    moment = to_text(soon)
    dates = [moment[:10], to_text(start + timedelta(days=9))[:10]]
    odd = ["1999-12-31", f"{start.year + 2}-01-31", "soon", 20]
    return [*dates, *dates, moment[:16], moment, moment.replace("Z", "-03:00"), *odd]


def _identify(draw: st.DrawFn, case: Case, person: Person) -> Json:
    traits: Json = {}
    choices: dict[str, st.SearchStrategy[Any]] = {
        "timezone": st.sampled_from(ZONES),
        "phone": st.just(person.phone),
        "email": st.just(person.email),
        "first_name": st.just("Ada"),
        "plan": _plans,
        "country": st.sampled_from(["US", "GB"]),
        "renews": st.sampled_from(_renewals(case.start)),
    }
    for each, values in choices.items():
        there = draw(st.sampled_from(["yes"] * 6 + ["no", "removed"]))
        if there != "no":
            traits[each] = draw(values) if there == "yes" else None
    token = draw(st.sampled_from([*person.tokens, *person.tokens, None]))
    context = {"device": {"type": "android", "token": token}} if token else {}
    return {"traits": traits, "context": context}
