"""Task tokens: a hold's timeout runs on the stepped clock, and one of token and timeout wins.

moto waits real seconds, in two threads, looks a token up by walking through all executions (and
fails on one that is just being started), takes a token after its timeout, answers a late one with
InvalidToken where AWS says TaskTimedOut, and tries a failed task again with the same token, where
AWS issues a new one.
"""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
    CallbackPoolManager,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from infra.local.clock import Rang
from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.runs import Runs, StoppedError


class TaskTimedOutError(AWSError):
    """The token's time is over, or it is spent."""

    TYPE = "TaskTimedOut"
    STATUS = 400


def install(patches: Patches, runs: Runs) -> None:
    _install_tokens(patches, runs)
    _install_waiting(patches, runs)
    _install_stopping(patches)


def _install_tokens(patches: Patches, runs: Runs) -> None:
    add = CallbackPoolManager.add

    def _add(self: Any, callback_id: str) -> Any:
        runs.issue(callback_id)
        return add(self, callback_id)

    def settle(token: str, outcome: Any) -> None:
        alarm = runs.holder(token)
        if alarm is None:
            raise InvalidToken
        if not runs.clock.wake(alarm, outcome):
            raise TaskTimedOutError("Task Timed Out: 'Provided task does not exist anymore'")

    def send_task_success(self: Any, task_token: str, outcome: str) -> None:  # noqa: ARG001
        settle(task_token, CallbackOutcomeSuccess(callback_id=task_token, output=outcome))

    def send_task_failure(
        self: Any,  # noqa: ARG001
        task_token: str,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        settle(task_token, CallbackOutcomeFailure(callback_id=task_token, error=error, cause=cause))

    patches.replace(CallbackPoolManager, "add", _add)
    patches.replace(StepFunctionsParserBackend, "send_task_success", send_task_success)
    patches.replace(StepFunctionsParserBackend, "send_task_failure", send_task_failure)


def _install_waiting(patches: Patches, runs: Runs) -> None:
    evaluate_with_timeout = ExecutionState._evaluate_with_timeout

    def _eval_wait_for_task_token(
        self: Any,  # noqa: ARG001
        env: Any,
        timeout_seconds: int,
        callback_endpoint: Any,
        heartbeat_endpoint: Any,  # noqa: ARG001 - heartbeats are not used here
    ) -> Any:
        token = callback_endpoint.callback_id
        alarm = runs.holder(token)
        rang = runs.park(env, runs.clock.now() + timedelta(seconds=timeout_seconds), alarm)
        if alarm is None or rang is Rang.TIME:
            return CallbackOutcomeTimedOut(callback_id=token)
        return alarm.value

    def _evaluate_with_timeout(self: Any, env: Any) -> None:
        """A callback runs in the execution's own thread: its timeout is not a matter of real
        time.
        """
        is_callback = isinstance(self, StateTaskServiceCallback) and self.resource.condition
        if not is_callback:
            evaluate_with_timeout(self, env)
            return
        context = env.states.context_object
        if context.context_object_data["State"]["RetryCount"]:
            env.callback_pool_manager.add(context.update_task_token())
        frame = env.open_frame()
        frame.states.reset(input_value=env.states.get_input())
        frame.stack = copy.deepcopy(env.stack)
        try:
            self._eval_execution(frame)
        finally:
            runs.spend()  # also when it failed: its token goes with it
            frame.set_ended()
            env.close_frame(frame)
        env.stack.append(frame.stack.pop())
        for part in (self.assign_decl, self.result_selector, self.result_path):
            if part:
                part.eval(env)

    patches.replace(
        StateTaskServiceCallback, "_eval_wait_for_task_token", _eval_wait_for_task_token
    )
    patches.replace(ExecutionState, "_evaluate_with_timeout", _evaluate_with_timeout)


def _install_stopping(patches: Patches) -> None:
    evaluate = CommonStateField._eval_body

    def _eval_body(self: Any, env: Any) -> None:
        """A stopped state just ends; its program sees that it runs no more."""
        try:
            evaluate(self, env)
        except StoppedError:
            return

    patches.replace(CommonStateField, "_eval_body", _eval_body)
