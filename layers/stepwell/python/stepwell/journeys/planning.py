"""What a journey asks before a step that depends on the customer: how long to wait, which way to
go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.zones import zones_of
from stepwell.journeys.dates import DateError, moment_of
from stepwell.journeys.happening import Views, enrollment_view
from stepwell.journeys.local_time import next_local_time
from stepwell.journeys.program import DateDelay, Delay, LongDelay, Program, Split
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view
from stepwell.timestamps import from_text, to_text

YES, NO = "yes", "no"
"""Whether a wait is parked, as a Choice compares it."""

_A_SECOND = timedelta(seconds=1)


class PlanError(Exception):
    """The program has no such step to plan: definition and program disagree."""


def plan(
    program: Program,
    step_id: str,
    *,
    enrollment_id: str,
    snapshot: Snapshot,
    default_zone: str | None,
    now: datetime,
    profile: ProfileRules | None = None,
) -> dict[str, Any]:
    """`{"until": moment}` for a delay, `{"branch": id, "problems": [...]}` for a split.

    A delay until a date adds `problem`, why there is no such moment, or "", and `problems` as well.
    Where waits are parked, `at` is the moment as an alarm takes it, and `park` whether it is one.
    """
    match program.steps.get(step_id):
        case Delay() as delay:
            zones = zones_of(snapshot.profile or {}, default_zone)
            at = time.fromisoformat(delay.time)
            return {"until": to_text(next_local_time(now, at, delay.weekdays, zones))}
        case LongDelay() as delay:
            until = now + timedelta(seconds=delay.seconds)
            return {"until": to_text(until), "at": _alarm(until)}
        case DateDelay() as delay:
            zones = zones_of(snapshot.profile or {}, default_zone)
            entered = from_text(snapshot.enrollments[enrollment_id]["entered_at"])
            views = _views(enrollment_id, snapshot, profile, now)
            return _until_date(delay, views, entered, zones, now)
        case Split() as split:
            return _choose(split, _views(enrollment_id, snapshot, profile, now))
    raise PlanError(f"journey {program.journey} has no step {step_id!r} to plan")


def _until_date(
    delay: DateDelay,
    views: Views,
    entered: datetime,
    zones: Sequence[tzinfo],
    now: datetime,
) -> dict[str, Any]:
    """A date that is past is now; what is wrong with one names the property, never its value."""
    latest = max(now, entered + timedelta(seconds=delay.latest_seconds))
    try:
        given = delay.date(views)
        found = _coming(delay, given, zones, latest)
    except ConditionError as error:
        problem = f"{delay.id}: {error}"
    except DateError as error:
        problem = f"{delay.id}: {delay.text} {error}"
    else:
        until = max(found, now)
        return {
            "until": to_text(until),
            "problem": "",
            "problems": [],
            **_parking(delay, until, now),
        }
    return {"until": "", "problem": problem, "problems": [problem], **_parking(delay, now, now)}


def _parking(delay: DateDelay, until: datetime, now: datetime) -> dict[str, str]:
    if delay.park_over is None:
        return {}
    is_long = until - now > timedelta(seconds=delay.park_over)
    return {"at": _alarm(until), "park": YES if is_long else NO}


def _alarm(moment: datetime) -> str:
    """As EventBridge Scheduler takes it: whole seconds in UTC, and never too early."""
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + _A_SECOND
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _coming(delay: DateDelay, given: object, zones: Sequence[tzinfo], latest: datetime) -> datetime:
    """When the date comes. Raises DateError; also for one at which the execution may be over."""
    at = time.fromisoformat(delay.time) if delay.time else None
    found = moment_of(given, delay.offset, at, zones)
    if found > latest:
        raise DateError("is too far ahead: a journey lasts a year at most")
    return found


def _choose(split: Split, context: Views) -> dict[str, Any]:
    """The first arm whose condition is true now; one that cannot be evaluated is not."""
    problems: list[str] = []
    for arm in split.arms:
        try:
            if arm.when(context) is True:
                return {"branch": arm.id, "problems": problems}
        except ConditionError as error:
            problems.append(f"{split.id} {arm.id}: {error}")
    return {"branch": split.otherwise, "problems": problems}


def _views(
    enrollment_id: str, snapshot: Snapshot, profile: ProfileRules | None, now: datetime
) -> Views:
    """What conditions see between events."""
    views = Views(
        {
            "customer": lambda: customer_view(snapshot, profile or ProfileRules(), now),
            "enrollment": lambda: enrollment_view(snapshot.enrollments[enrollment_id]),
            "event": lambda: views["enrollment"]["event"],
            "now": lambda: now,
        }
    )
    return views
