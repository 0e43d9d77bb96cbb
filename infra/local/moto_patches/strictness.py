"""What AWS fails and moto lets pass; a test on moto would otherwise prove less than it seems to."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import Timeout
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_func import (
    ComparisonFuncValue,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable

from infra.local.moto_patches.replacing import Patches

_UNCATCHABLE = (
    StatesErrorNameType.StatesRuntime.to_name(),
    StatesErrorNameType.StatesStatesDataLimitExceeded.to_name(),
)


def install(patches: Patches) -> None:
    _install_missing_paths(patches)
    _install_uncatchable_errors(patches)
    _install_timeouts(patches)


def _install_missing_paths(patches: Patches) -> None:
    compare = ComparisonFuncValue._eval_body

    def _eval_body(self: Any, env: Any) -> None:
        """A Choice on a missing path fails on AWS; moto takes the comparison for false."""
        asks_presence = self.operator_type is ComparisonOperatorType.IsPresent
        if isinstance(env.stack[-1], NoSuchVariable) and not asks_presence:
            raise runtime_error(
                env,
                f"Invalid path '{env.stack[-1].path}': The choice state's condition path "
                "references an invalid value.",
            )
        compare(self, env)

    patches.replace(ComparisonFuncValue, "_eval_body", _eval_body)


def _install_uncatchable_errors(patches: Patches) -> None:
    matches = ErrorEqualsDecl._eval_body

    def _eval_body(self: Any, env: Any) -> None:
        """Nothing retries or catches States.Runtime and States.DataLimitExceeded on AWS."""
        if getattr(env.stack[-1], "error_name", None) in _UNCATCHABLE:
            env.stack[-1] = False
            return
        matches(self, env)

    patches.replace(ErrorEqualsDecl, "_eval_body", _eval_body)


def _install_timeouts(patches: Patches) -> None:
    def _eval_body(self: Any, env: Any) -> None:
        """A timeout that is not positive fails on AWS."""
        seconds = self._eval_seconds(env=env)
        if seconds <= 0:
            raise runtime_error(env, f"TimeoutSeconds must be a positive number, not {seconds}")
        env.stack.append(seconds)

    patches.replace(Timeout, "_eval_body", _eval_body)


def runtime_error(env: Any, cause: str) -> Exception:
    """States.Runtime, which ends the execution."""
    kind = StatesErrorNameType.StatesRuntime
    details: Any = {"executionFailedEventDetails": {"error": kind.to_name(), "cause": cause}}
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=kind),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=details,
        )
    )
