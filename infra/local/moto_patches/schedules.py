"""EventBridge Scheduler: one-time schedules ring on the stepped clock; moto only stores them.

On AWS one rings within 60 seconds after its moment; here it rings at it. What has rung is deleted,
as `ActionAfterCompletion` says. Other kinds of schedules are stored as before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
)

from infra.local.clock import StepClock
from infra.local.moto_patches.replacing import Patches

OnRing = Callable[[str, str], None]
"""Told the ARN and the input of the target."""
_ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


def install(patches: Patches, clock: StepClock, on_ring: OnRing) -> None:
    create: Any = EventBridgeSchedulerBackend.create_schedule

    def create_schedule(self: Any, **arguments: Any) -> Any:
        schedule = create(self, **arguments)
        once = _ONCE.fullmatch(schedule.schedule_expression)
        if once is None:
            return schedule

        def ring() -> None:
            group = self.schedule_groups[schedule.group_name]
            if group.schedules.get(schedule.name) is not schedule:
                return  # deleted meanwhile
            on_ring(schedule.target["Arn"], schedule.target["Input"])
            if schedule.action_after_completion == "DELETE":
                group.delete_schedule(schedule.name)

        clock.call_at(datetime.fromisoformat(once[1]).replace(tzinfo=UTC), ring)
        return schedule

    patches.replace(EventBridgeSchedulerBackend, "create_schedule", create_schedule)
    # The name that AWS gives to the service's errors; moto knows it of two other services.
    patches.replace(
        state_task_service_aws_sdk,
        "_SERVICE_ERROR_NAMES",
        {**state_task_service_aws_sdk._SERVICE_ERROR_NAMES, "scheduler": "Scheduler"},
    )
