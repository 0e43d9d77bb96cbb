"""The parts of the local stack put together: moto, templates, workers, pollers, HTTP, clock."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from moto import mock_aws
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server

from infra.local import moto_patches, preparing
from infra.local.account import REGION
from infra.local.assembly import StackTemplate
from infra.local.authorizing import Gate
from infra.local.clock import StepClock
from infra.local.deploy import Deployment, deploy
from infra.local.event_sources import EventSources
from infra.local.functions import Function
from infra.local.gateway import Api, HttpServer
from infra.local.messaging import MessagingEndpoint
from infra.local.moto_patches.tables import OnPut
from infra.local.outbox import Outbox
from infra.local.sweeping import FUNCTION as SWEEP
from infra.local.sweeping import Sweeps, scheduled_event
from infra.local.usage import find_plan
from infra.local.workers import WorkerInvoker
from stepwell import timestamps


class LocalStack:
    """Everything that runs. `deploy` first, then `serve`; leaving it ends all of it.

    `report` gets a line when something goes wrong that nobody else will show.
    """

    def __init__(
        self, start: datetime, logs: Path, report: Callable[[str], None], on_put: OnPut
    ) -> None:
        self.clock = StepClock(start)
        self.deployment = Deployment()
        self.outbox = Outbox()
        self._logs = logs
        self._report = report
        self._on_put = on_put
        self._open = ExitStack()
        self._clients: dict[str, Any] = {}
        self.invoker = WorkerInvoker(self.clock, logs)
        self._sweeps = Sweeps(self.clock, self._sweep)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def _start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        _log_to_file(self._logs / "moto.log")
        patches, _ = moto_patches.install(
            self.clock,
            self.invoker,
            self._on_queue_change,
            self._on_item,
            self.outbox.add,
            self._on_ring,
        )
        self._open.callback(patches.undo)
        self._open.enter_context(
            mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
        )
        server = QuickServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        self._open.callback(server.stop)
        self._messaging = self._open.enter_context(MessagingEndpoint(self.clock, self.outbox.add))
        self.endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        self.event_sources = EventSources(
            self.clock, self.client("sqs"), self.invoker, self._report
        )
        self.clock.add_source(self.event_sources.is_empty)
        self._open.callback(self.event_sources.join, 1.0)
        self._open.callback(self.invoker.close)
        self._open.callback(self.event_sources.close)
        self._open.callback(self.clock.close)

    def _on_queue_change(self) -> None:
        self.event_sources.on_change()

    def _on_item(self, table: str, item: dict[str, Any]) -> None:
        self._on_put(table, item)
        self._sweeps.on_put(table, item)

    def _sweep(self) -> Any:
        """The function by its schedule; pollers work off what it queues."""
        for function in self.deployment.functions:
            if function.name.endswith(SWEEP):
                now = timestamps.to_text(self.clock.now())
                result, error = self.invoker(function.name, scheduled_event(now))
                if error:
                    self._report(f"{function.name} failed: {result}")
                return result
        return None

    def _on_ring(self, target: str, message: str) -> None:
        """A schedule puts its message into its queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=target.rpartition(":")[2])["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=message)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=REGION)
        return self._clients[service]

    def deploy(
        self, stacks: Iterable[StackTemplate], policies: dict[str, Any] | None, url: str = ""
    ) -> None:
        """Create everything. `url` is where the API will answer, for links in messages; without it
        they lead to the one that AWS would have. Raises DeployError, TemplateError.
        """
        self.deployment = deploy(stacks, self.client)
        functions = self.deployment.functions
        if policies is not None:
            key = preparing.put_policies(policies, functions, self.client("s3"))
            functions = [_instead(function, "POLICIES_KEY", key) for function in functions]
        if url:
            functions = [_instead(function, "PUBLIC_URL", url) for function in functions]
        preparing.add_write_key(
            functions, self.client("dynamodb"), self.client("apigateway"), self.clock.now()
        )
        preparing.verify_sender(functions, self.client("ses"))
        preparing.add_push_application(functions, self.client("sns"))
        endpoints = self._messaging.environment()
        self.invoker.add([_with(function, endpoints) for function in functions], self.endpoint)

    def serve(self, server: HttpServer, front_page: str) -> None:
        """Take events from queues and requests from the network."""
        self.event_sources.start(self.deployment.event_sources)
        api = Api(
            tuple(self.deployment.routes),
            self.invoker,
            self.clock,
            front_page,
            self.outbox.page,
            tuple(self.deployment.preflights),
            tuple(self.deployment.refusals),
            pages=tuple(self.deployment.pages),
            gate=Gate(self.invoker, find_plan, self.deployment.authorizers),
        )
        server.serve(api)


class QuickServer(ThreadedMotoServer):
    """Moto's server, which sees at once that it has to stop, and not after half a second."""

    def _server_entry(self) -> None:
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            self._ip_address, self._port, app, threaded=True, request_handler=MotoRequestHandler
        )
        self._server_ready_event.set()
        self._server.serve_forever(poll_interval=0.05)


def _instead(function: Function, variable: str, text: str) -> Function:
    """The function with another value of a variable, where it has that."""
    return _with(function, {variable: text}) if variable in function.environment else function


def _with(function: Function, variables: dict[str, str]) -> Function:
    return dataclasses.replace(function, environment={**function.environment, **variables})


def _log_to_file(path: Path) -> None:
    """What moto, its server and its clients have to say: of use only when something is wrong."""
    handler = logging.FileHandler(path, mode="w")
    for name in ("moto", "werkzeug", "botocore", "boto3"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
