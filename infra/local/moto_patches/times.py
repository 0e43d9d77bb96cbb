"""Entered, start, stop and history times are those of the stepped clock; moto writes the machine's."""

from __future__ import annotations

import types
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.backend.execution import Execution

from infra.local.clock import StepClock
from infra.local.moto_patches.replacing import Patches
from stepwell import timestamps


def install(patches: Patches, clock: StepClock) -> None:
    class Moment(datetime):
        """`$$.State.EnteredTime` has milliseconds and a Z on AWS."""

        def isoformat(self, *_: Any, **__: Any) -> str:
            return timestamps.to_text(datetime.fromtimestamp(self.timestamp(), UTC))

        @classmethod
        def now(cls, tz: Any = UTC) -> Moment:
            moment = clock.now().astimezone(tz or UTC)
            return cls.combine(moment.date(), moment.timetz())

    module = types.SimpleNamespace(datetime=Moment, timezone=types.SimpleNamespace(utc=UTC))
    patches.replace(state_module, "datetime", module)
    patches.replace(execution_module, "datetime", module)
    patches.replace(EventManager, "_get_current_timestamp", staticmethod(clock.now))
    details = Execution.get_start_execution_details

    def get_start_execution_details(self: Any) -> Any:
        """`$$.Execution.StartTime` is text on AWS."""
        answer: Any = details(self)
        answer.start_time = timestamps.to_text(self.start_date)
        return answer

    patches.replace(Execution, "get_start_execution_details", get_start_execution_details)
