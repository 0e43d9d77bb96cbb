"""All that a stage says to the outside, by the place where it is said.

    with Stage() as stage, Overhearing(stage) as heard:
        ...
        for place, said in heard.everything(): ...

Places: log of each function, what functions of state machines are given, answer and fail with, each
parameter of each AWS call, names, inputs and histories of executions, keys and attributes of both
tables, names and metadata of objects, attributes of queue messages.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.account import ACCOUNT, REGION
from infra.local.functions import Invocation
from stepwell.aws.attributes import from_attributes
from tests.support.aws_faults import hooked_clients
from tests.support.stage import PREFIX, Stage

Said = tuple[str, Any]
"""A place, and what was said there."""

OF_STATE_MACHINES = ("plan", "consent", "frequency-cap", "delivery", "hand-over")


class Overhearing:
    """As a context manager: everything that is said while it is open, at every level of logging."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open = ExitStack()
        self._said: list[Said] = []
        self._logs: dict[str, io.StringIO] = {}

    def __enter__(self) -> Self:
        self._open.enter_context(hooked_clients({"provide-client-params": self._hear_call}))
        functions = self._stage.engine.functions
        for name in self._stage.functions:
            reference = PREFIX + name.replace("_", "-")
            self._listen_to(sys.modules[functions.handler(reference).__module__])
        call = type(functions).__call__

        def hear(invoker: Any, reference: str, event: Any) -> Invocation:
            answer = call(invoker, reference, event)
            self._hear_invocation(reference, event, answer)
            return answer

        self._open.enter_context(patch.object(type(functions), "__call__", hear))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def everything(self) -> Iterator[Said]:
        yield from self._said
        yield from ((f"log {name}", log.getvalue()) for name, log in self._logs.items())
        yield from _executions(self._stage)
        yield from _tables(self._stage)
        yield from _objects(self._stage)

    # ------------------------------------------------------------------ listening

    def _listen_to(self, module: Any) -> None:
        logger = module.logger
        log = self._logs.setdefault(logger.service, io.StringIO())
        level = logger.log_level
        logger.setLevel("DEBUG")
        self._open.callback(logger.setLevel, level)
        for output in logger.handlers:  # whose stream may be that of a test that is over, closed
            self._open.enter_context(patch.object(output, "stream", log))

    def _hear_call(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        name = f"{model.service_model.service_name}.{model.name}"
        self._said += ((f"call {name} {path}", each) for path, each in _leaves(params))

    def _hear_invocation(self, reference: str, event: Any, answer: Invocation) -> None:
        name = reference.rpartition(":")[2].removeprefix(PREFIX)
        result, error = answer
        if error is not None:
            self._said.append((f"failure {name}", result))
        if name in ("ingest", "router"):
            self._said.append((f"answer {name}", result))
        if name in OF_STATE_MACHINES:
            self._said += ((f"input {name}", event), (f"output {name}", result))


def _leaves(value: Any, path: str = "") -> Iterator[Said]:
    """Every leaf of a document with its path; those of a list share one."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each, path)
    else:
        yield path, value.decode("latin-1") if isinstance(value, bytes) else value


def _executions(stage: Stage) -> Iterator[Said]:
    machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
    for machine in machines:
        yield "definition", machine.definition
        for each in machine.executions:
            yield "execution name", each.name
            yield "execution input", each.execution_input
            yield "execution end", stage.engine.describe(each.execution_arn)
            yield "execution history", stage.engine.history(each.execution_arn)


def _tables(stage: Stage) -> Iterator[Said]:
    """Attributes of items are told by the items' kind: what their sort keys begin with."""
    client = stage.engine.client("dynamodb")
    for table in ("customers", "records"):
        for page in client.get_paginator("scan").paginate(TableName=PREFIX + table):
            for item in map(from_attributes, page["Items"]):
                kind = item["sk"].partition("#")[0]
                for name, value in item.items():
                    yield f"item {kind} {name}", json.dumps(value, ensure_ascii=False)


def _objects(stage: Stage) -> Iterator[Said]:
    s3 = stage.engine.client("s3")
    for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            yield "object key", each["Key"]
            head = s3.head_object(Bucket=bucket, Key=each["Key"])
            yield "object metadata", {name: head.get(name) for name in ("Metadata", "ContentType")}
