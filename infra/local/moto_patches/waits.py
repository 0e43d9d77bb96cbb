"""Wait states on the stepped clock.

moto waits real seconds, reckons timestamps from the machine's local time without its zone, and cuts
the remaining time to whole seconds, so that a wait would end before its moment.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)

from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.runs import Runs


def install(patches: Patches, runs: Runs) -> None:
    def _get_wait_seconds(self: Any, env: Any) -> float:
        """Seconds to a Timestamp, whose milliseconds AWS drops too."""
        self.string.eval(env=env)
        text = env.stack.pop()
        moment = Timestamp._from_timestamp_string(timestamp=text)
        if moment is None:
            raise FailureEventException(self._create_failure_event(env, text))
        return float((moment.replace(tzinfo=UTC) - runs.clock.now()).total_seconds())

    def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:  # noqa: ARG001
        runs.park(env, runs.clock.now() + timedelta(seconds=max(0.0, wait_seconds)))

    patches.replace(Timestamp, "_get_wait_seconds", _get_wait_seconds)
    patches.replace(WaitFunction, "_wait_interval", _wait_interval)
