"""What a journey asks before a step that depends on the customer: how long to wait, which way to
go.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.customers.snapshot import Snapshot
from stepwell.customers.zones import zones_of
from stepwell.journeys.happening import Views, enrollment_view
from stepwell.journeys.local_time import next_local_time
from stepwell.journeys.program import Delay, Program, Split
from stepwell.timestamps import to_text


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
) -> dict[str, Any]:
    """`{"until": moment}` for a delay, `{"branch": id, "problems": [...]}` for a split."""
    match program.steps.get(step_id):
        case Delay() as delay:
            zones = zones_of(snapshot.profile or {}, default_zone)
            at = time.fromisoformat(delay.time)
            return {"until": to_text(next_local_time(now, at, delay.weekdays, zones))}
        case Split() as split:
            return _choose(split, enrollment_id, snapshot, now)
    raise PlanError(f"journey {program.journey} has no step {step_id!r} to plan")


def _choose(split: Split, enrollment_id: str, snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """The first arm whose condition is true now; one that cannot be evaluated is not."""
    enrollment = enrollment_view(snapshot.enrollments[enrollment_id])
    context = Views(
        {
            "customer": snapshot.view,
            "enrollment": lambda: enrollment,
            "event": lambda: enrollment["event"],
            "now": lambda: now,
        }
    )
    problems: list[str] = []
    for arm in split.arms:
        try:
            if arm.when(context) is True:
                return {"branch": arm.id, "problems": problems}
        except ConditionError as error:
            problems.append(f"{split.id} {arm.id}: {error}")
    return {"branch": split.otherwise, "problems": problems}
