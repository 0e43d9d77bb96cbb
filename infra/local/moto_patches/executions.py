"""Starting and stopping executions.

moto lists an execution before it can be asked or stopped, starts one name twice when two threads
ask at once, parses the definition anew for every execution (most of the time it takes), never
stops an execution in a callback, and forgets why it was stopped.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import threading
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions import models as plain_models
from moto.stepfunctions import responses
from moto.stepfunctions.exceptions import InvalidExecutionInput, InvalidName
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import (
    ExecutionStatus,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.backend.execution import Execution, SyncExecution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker, SyncExecutionWorker

from infra.local.clock import StepClock
from infra.local.moto_patches import versions
from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.runs import Runs

_NAME = re.compile(r"[0-9A-Za-z_-]{1,80}")


def install(patches: Patches, runs: Runs) -> None:
    _install_backend(patches)
    _install_parsing(patches)
    _install_starting(patches, runs)
    _install_running(patches, runs.clock)
    _install_stopping(patches, runs)


def _install_backend(patches: Patches) -> None:
    """CloudFormation puts machines into the backend that does not execute, all of them as
    STANDARD.
    """

    def create_from_cloudformation_json(
        cls: Any,  # noqa: ARG001
        /,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> Any:
        properties = cloudformation_json["Properties"]
        return parser_models.stepfunctions_parser_backends[account_id][
            region_name
        ].create_state_machine(
            name=properties.get("StateMachineName", resource_name),
            definition=properties["DefinitionString"],
            roleArn=properties["RoleArn"],
            sm_type=properties.get("StateMachineType", "STANDARD"),
        )

    patches.replace(
        plain_models, "stepfunctions_backends", parser_models.stepfunctions_parser_backends
    )
    patches.replace(
        plain_models.StateMachine,
        "create_from_cloudformation_json",
        classmethod(create_from_cloudformation_json),
    )


def _install_parsing(patches: Patches) -> None:
    """Parse a definition once. Its components keep nothing of a run but the name of their heap
    entry.
    """
    patches.replace(AmazonStateLanguageParser, "parse", staticmethod(_parse))
    patches.replace(EvalComponent, "heap_key", property(lambda self: str(id(self))))


_parse = functools.lru_cache(maxsize=256)(AmazonStateLanguageParser.parse)


def _install_starting(patches: Patches, runs: Runs) -> None:
    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,  # noqa: ARG001
    ) -> Any:
        name = name or str(uuid.uuid4())
        if not _NAME.fullmatch(name):
            raise InvalidName(f"Invalid Name: '{name}'")
        with runs.starting:
            own, at_version = versions.split(state_machine_arn)
            machine = self.describe_state_machine(own)
            version = self.describe_state_machine(at_version) if at_version else None
            existing = machine._handle_name_input_idempotency(name, execution_input)
            if existing is not None:
                return existing
            execution = make_execution(
                Execution, runs.clock, machine, name, execution_input or "{}", version
            )
            execution.exec_worker = execution._get_start_execution_worker()
            _prepare(execution.exec_worker)
            execution.exec_status = ExecutionStatus.RUNNING
            machine.executions.append(execution)
        execution.exec_worker.start()
        return execution

    patches.replace(parser_models.StepFunctionsParserBackend, "start_execution", start_execution)


def make_execution(
    kind: type, clock: StepClock, machine: Any, name: str, text: str, version: Any = None
) -> Any:
    """An execution of the machine as it is now or was published, not started. Raises
    InvalidExecutionInput.
    """
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error
    snapshot = copy.copy(machine)
    snapshot.executions = []
    snapshot.sm_type = machine.type
    if version is not None:
        snapshot.definition, snapshot.roleArn = version.definition, version.roleArn
    backend = machine.backend
    word = "express" if kind is SyncExecution else "execution"
    suffix = f":{uuid.uuid4()}" if kind is SyncExecution else ""
    execution = kind(
        name=name,
        sm_type=snapshot.sm_type,
        role_arn=snapshot.roleArn,
        exec_arn=f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}:"
        f"{word}:{machine.name}:{name}{suffix}",
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=snapshot,
        start_date=clock.now(),
        cloud_watch_logging_session=None,
        input_data=text,
        trace_header=None,
        activity_store={},
    )
    execution.state_machine_version_arn = version.arn if version is not None else None
    return execution


def _prepare(worker: Any) -> None:
    """Make the environment before anybody can see the execution, and stop it."""
    details = worker._evaluation_details
    program: Any = AmazonStateLanguageParser.parse(details.state_machine_details.definition)[0]
    worker.program = program
    worker.env = worker._get_evaluation_environment()
    worker.env.next_state_name = program.start_at.start_at_name
    started = {
        "input": json.dumps(details.execution_details.inpt),
        "inputDetails": {"truncated": False},
        "roleArn": details.aws_execution_details.role_arn,
    }
    worker.env.event_manager.add_event(
        context=worker.env.event_history_context,
        event_type=HistoryEventType.ExecutionStarted,
        event_details={"executionStartedEventDetails": started},
        update_source_event_id=False,
    )


def _evaluate(worker: Any) -> None:
    worker.program.eval(worker.env)
    worker._execution_communication.terminated()


def _install_running(patches: Patches, clock: StepClock) -> None:
    """Count an execution as work from its start, in the caller's thread, to its end."""
    evaluate_timed = Program.eval

    def start(self: Any) -> None:
        def run() -> None:
            try:
                _evaluate(self)
            finally:
                clock.end()

        clock.begin()
        threading.Thread(target=run, daemon=True, name="execution").start()

    def start_sync(self: Any) -> None:
        _prepare(self)
        _evaluate(self)

    def evaluate(self: Any, env: Any) -> None:
        """Without a time limit of its own, a program needs no thread of its own."""
        if self.timeout_seconds:
            evaluate_timed(self, env)
        else:
            EvalComponent.eval(self, env)

    patches.replace(ExecutionWorker, "start", start)
    patches.replace(SyncExecutionWorker, "start", start_sync)
    patches.replace(Program, "eval", evaluate)


def _install_stopping(patches: Patches, runs: Runs) -> None:
    reflect: Any = execution_module.BaseExecutionWorkerCommunication._reflect_execution_status
    add_event = EventManager.add_event

    def stop_execution(self: Any) -> ActionResult:
        """Aborted at once, as on AWS; what its state still does changes nothing any more."""
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        error, cause = self._get_param("error"), self._get_param("cause")
        env = execution.exec_worker.env
        with env._state_mutex:
            stopped = env.is_running()
            if stopped:
                execution.stop_date = runs.clock.now()
                execution.error, execution.cause = error, cause
                execution.exec_status = ExecutionStatus.ABORTED
                _write_abort(env, error, cause)
                env.set_stop(stop_date=execution.stop_date, error=error, cause=cause)
        if stopped:
            runs.unpark(execution.exec_arn)
        return ActionResult({"stopDate": execution.stop_date})

    def _reflect_execution_status(self: Any) -> None:
        if self.execution.exec_status is not ExecutionStatus.ABORTED:
            reflect(self)

    def _add_event(self: Any, *args: Any, **arguments: Any) -> int:
        return 0 if getattr(self, "closed", False) else int(add_event(self, *args, **arguments))

    patches.replace(responses.StepFunctionResponse, "stop_execution", stop_execution)
    patches.replace(
        execution_module.BaseExecutionWorkerCommunication,
        "_reflect_execution_status",
        _reflect_execution_status,
    )
    patches.replace(EventManager, "add_event", _add_event)


def _write_abort(env: Any, error: str | None, cause: str | None) -> None:
    given = {"error": error, "cause": cause}
    details = {key: value for key, value in given.items() if value is not None}
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionAborted,
        event_details={"executionAbortedEventDetails": details},
    )
    env.event_manager.closed = True
