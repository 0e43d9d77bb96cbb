"""`make run`: start, replay, summarise, stay up.

Ends with 0 after Ctrl-C once it is up (that is how it is ended), 130 when interrupted before, 1
when something cannot be deployed or replayed, or KEEP=0 finds a failed execution or a dead letter,
2 for an option, or a file that it names, that cannot be used.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from infra.local import outcome
from infra.local.assembly import AssemblyError, read_assembly
from infra.local.decisions import DecisionLog, Person, person
from infra.local.deploy import DeployError, Deployment, stand_in
from infra.local.gateway import HttpServer
from infra.local.inputs import Inputs
from infra.local.options import Options
from infra.local.preparing import setting
from infra.local.replay import Call, ReplayError, play
from infra.local.stack import LocalStack
from infra.local.template_parts import TemplateError
from stepwell.aws.dynamodb import DynamoStore
from stepwell.customers import keys

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".build" / "local" / "logs"
RECORDS_TABLE = "stepwell-local-records"
_EXPECTED = (
    AssemblyError,
    DeployError,
    ReplayError,
    TemplateError,
)


def run(options: Options, inputs: Inputs, server: HttpServer) -> int:
    """The exit code. Closes the server."""
    try:
        return Run(options, inputs, server, _Output(highlight=False)).run()
    except _EXPECTED as error:
        print(f"stepwell: {error}", file=sys.stderr)
        return 1
    finally:
        server.close()


class Run:
    """One `make run`."""

    def __init__(
        self, options: Options, inputs: Inputs, server: HttpServer, console: Console
    ) -> None:
        self._options = options
        self._inputs = inputs
        self._server = server
        self._console = console

    def run(self) -> int:
        calls = self._inputs.calls
        stacks = read_assembly(Path(os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out"))
        log = DecisionLog(self._console, RECORDS_TABLE, self._person_of)
        start = calls[0].at if calls else datetime.now(UTC)
        port = self._server.port
        with LocalStack(start, LOGS, self._complain, log.on_put) as self._stack:
            self._say("deploying the templates of cdk.out to moto, which plays AWS here")
            self._stack.deploy(stacks, self._inputs.policies, f"http://localhost:{port}")
            self._tell_deployment(self._stack.deployment)
            self._stack.serve(self._server, front_page(self._stack.deployment, port))
            return self._play_and_stay(calls, port, log)

    def _play_and_stay(self, calls: Sequence[Call], port: int, log: DecisionLog) -> int:
        if calls:
            self._say(f"replaying {len(calls)} calls from {calls[0].at:%Y-%m-%d %H:%M} UTC on")
            play(calls, self._stack.clock, port)
        if log.decisions:
            self._console.print(log.summary())
        ended = outcome.look()
        if ended.executions:
            self._console.print(ended.table())
        for complaint in ended.complaints():
            self._complain(complaint)
        if not self._options.keep:
            return 1 if ended.is_failure else 0
        self._say_where_to_look(port, log)
        try:
            self._stack.clock.run(self._options.speed)
        except KeyboardInterrupt:
            self._say("ending")
        return 0

    def _tell_deployment(self, deployment: Deployment) -> None:
        self._say(
            f"deployed {len(deployment.functions)} functions, {len(deployment.machines)} state "
            f"machines, {len(deployment.routes)} routes; logs in {LOGS.relative_to(ROOT)}"
        )
        self._say("not created locally, and what stands in:")
        for kind, count in sorted(deployment.left_out.items()):
            self._say(f"    {count:2} {kind:32} {stand_in(kind)}")

    def _say_where_to_look(self, port: int, log: DecisionLog) -> None:
        url = f"http://localhost:{port}"
        self._tell(f"Stepwell is up on {url}; time passes {self._options.speed:g} times faster")
        self._tell("send an event:")
        self._tell(f"    {curl(url)}")
        self._tell("look at a customer (user id, anonymous id or internal id):")
        self._tell(f"    .venv/bin/stepwell customer {self._example(log)} --url {url}")
        self._tell("read the messages that were sent:")
        self._tell(f"    curl {url}/outbox")
        self._tell(f"AWS answers at {self._stack.endpoint}; Ctrl-C ends it all")

    def _example(self, log: DecisionLog) -> str:
        """A customer, as a shell takes it."""
        if not log.decisions:
            return "you"
        customer = log.decisions[0].customer
        return for_shell(self._person_of(customer).name, customer)

    def _person_of(self, customer: str) -> Person:
        table = setting(self._stack.deployment.functions, "CUSTOMERS_TABLE")
        store = DynamoStore(self._stack.client("dynamodb"), table)
        return person(customer, store.get(keys.profile(customer)) or {})

    def _say(self, text: str) -> None:
        self._console.print(f"· {text}", soft_wrap=True, markup=False, style="dim")

    def _tell(self, text: str) -> None:
        """What somebody should read; `_say` is for progress."""
        self._console.print(f"· {text}", soft_wrap=True, markup=False)

    def _complain(self, text: str) -> None:
        self._console.print(f"! {text}", soft_wrap=True, markup=False, style="red")


def for_shell(name: str, customer: str) -> str:
    """The name, or the internal id where a terminal would not show the name as it is."""
    return shlex.quote(name if name.isprintable() else customer)


def curl(url: str) -> str:
    """An event that begins a journey, for a shell. Without a messageId: twice is two events."""
    properties = '{"cart_id": "c1", "name": "Silk midi dress", "price": 280, "cart_value": 280}'
    head = '"userId": "you", "event": "Product Added"'
    body = f'{{{head}, "properties": {properties}}}'
    return f"curl -u local: -H 'Content-Type: application/json' -d '{body}' {url}/v1/track"


def front_page(deployment: Deployment, port: int) -> str:
    """What `GET /` answers."""
    routes = "\n".join(
        f"  {route.method:5} {route.path}"
        + ("   from this machine only" if route.authorization == "AWS_IAM" else "")
        for route in deployment.routes
    )
    machines = "\n".join(f"  {arn.rpartition(':')[2]}" for arn in deployment.machines)
    example = curl(f"http://localhost:{port}")
    routes += "".join(f"\n  GET   {page.path}" for page in deployment.pages)
    outbox = "  GET   /outbox   the messages that were sent; from this machine only"
    return (
        f"Stepwell, on this machine.\n\n{routes}\n{outbox}\n\n"
        f"State machines\n{machines}\n\n{example}\n"
    )


class _Output(Console):
    """Ends the run when whoever reads it has gone, as `head` does; rich would end one thread."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.kill(os.getpid(), signal.SIGTERM)
