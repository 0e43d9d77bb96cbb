"""How a run ended: executions by machine and status, dead letters, and whether it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from rich.table import Table

from infra.local.account import ACCOUNT, REGION
from stepwell.customers.legs import EXITED


@dataclass(frozen=True, slots=True)
class Outcome:
    """`executions`: (machine, status) -> count; `failed`: ARNs; `dead_letters`: queue -> count."""

    executions: dict[tuple[str, str], int]
    failed: tuple[str, ...]
    dead_letters: dict[str, int]

    @property
    def is_failure(self) -> bool:
        return bool(self.failed or self.dead_letters)

    def table(self) -> Table:
        table = Table("state machine", "status", title="Executions")
        table.add_column("count", justify="right")
        for (machine, status), count in sorted(self.executions.items()):
            table.add_row(machine, status, str(count))
        return table

    def complaints(self) -> Iterable[str]:
        """A line for each thing that went wrong."""
        for arn in self.failed[:10]:
            yield f"execution failed: {arn}"
        if len(self.failed) > 10:
            yield f"… and {len(self.failed) - 10} more"
        for queue, count in self.dead_letters.items():
            yield f"{count} message(s) in {queue}"


def look() -> Outcome:
    """The outcome as it is now."""
    counts: Counter[tuple[str, str]] = Counter()
    failed: list[str] = []
    for machine in stepfunctions_parser_backends[ACCOUNT][REGION].state_machines:
        executions: list[Any] = machine.executions
        for execution in executions:
            status = describe(execution)
            counts[machine.name, status] += 1
            # An execution that an exit rule stopped has done what it should.
            if status not in {"SUCCEEDED", "RUNNING", f"ABORTED ({EXITED})"}:
                failed.append(f"{execution.exec_arn} {execution.error or ''}")
    return Outcome(dict(counts), tuple(failed), dead_letters())


def describe(execution: Any) -> str:
    status = str(execution.status)
    return f"{status} ({execution.error})" if status == "ABORTED" else status


def dead_letters() -> dict[str, int]:
    """Messages in queues that are some other queue's dead-letter queue."""
    queues = sqs_backends[ACCOUNT][REGION].queues.values()
    targets = [queue.dead_letter_queue for queue in queues if queue.dead_letter_queue is not None]
    return {target.name: len(target.messages) for target in targets if target.messages}
