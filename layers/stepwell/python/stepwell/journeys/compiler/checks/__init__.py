"""What can be wrong with a journey that was read: small named checks, all of them always run.

A check takes a `Subject` and yields problems. It must not fail on what another check reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepwell.journeys.compiler.checks.conditions import (
    check_conditions,
    check_entry_segment,
    check_events,
)
from stepwell.journeys.compiler.checks.context import check_context
from stepwell.journeys.compiler.checks.hand_overs import check_destinations, check_reasons
from stepwell.journeys.compiler.checks.ids import (
    check_branch_ids,
    check_journey_name,
    check_step_ids,
    check_step_names,
)
from stepwell.journeys.compiler.checks.messages import check_awaited, check_channels, check_purposes
from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.checks.templates import (
    check_expiry,
    check_liquid,
    check_templates,
    check_unsubscribing,
    check_variants,
)
from stepwell.journeys.compiler.checks.ways import (
    check_branches_can_win,
    check_delays,
    check_length,
    check_reachable,
)
from stepwell.journeys.compiler.problems import Problem

__all__ = ["CHECKS", "Subject", "problems_of"]

Check = Callable[[Subject], Iterator[Problem]]

CHECKS: tuple[Check, ...] = (
    check_journey_name,
    check_step_ids,
    check_step_names,
    check_branch_ids,
    check_reachable,
    check_branches_can_win,
    check_delays,
    check_length,
    check_purposes,
    check_channels,
    check_awaited,
    check_destinations,
    check_reasons,
    check_events,
    check_conditions,
    check_entry_segment,
    check_context,
    check_templates,
    check_variants,
    check_unsubscribing,
    check_expiry,
    check_liquid,
)


def problems_of(subject: Subject) -> list[Problem]:
    return [problem for check in CHECKS for problem in check(subject)]
