"""Everything in which moto differs from AWS and it matters here, put right.

One module an idea, each patch with its reason; `install` applies them all and `Patches.undo` takes
them back, so that a test leaves moto as it was. Seen with moto 5.2.

    waits        Wait states run on the stepped clock
    callbacks    task tokens: exact, on the stepped clock, with AWS's errors
    executions   starting and stopping
    versions     published versions of state machines
    times        whatever is dated, on the stepped clock
    tasks        Lambda and nested Express calls from a state machine
    strictness   what AWS fails and moto lets pass
    tables       conditional writes that are atomic
    answers      items that are not taken apart to be answered
    queues       no message is lost between threads, delays run on the stepped clock
    schedules    alarms that ring
    providers    news of the messages that SES and SNS took
    server       requests that cost no walk through folders

`templates` is installed by itself, for deployments by the CDK's command line.
"""

from __future__ import annotations

from collections.abc import Callable

from infra.local.clock import StepClock
from infra.local.moto_patches import (
    answers,
    callbacks,
    executions,
    providers,
    queues,
    schedules,
    server,
    strictness,
    tables,
    tasks,
    times,
    versions,
    waits,
)
from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.runs import Runs
from infra.local.moto_patches.tasks import Invoke

__all__ = ["Invoke", "Patches", "Runs", "install"]


def install(
    clock: StepClock,
    invoke: Invoke,
    on_queue_change: Callable[[], None] = lambda: None,
    on_put: tables.OnPut = lambda _table, _item: None,
    on_taken: providers.OnTaken = lambda _message: None,
    on_ring: schedules.OnRing = lambda _target, _input: None,
    on_delayed: Callable[[], None] = lambda: None,
) -> tuple[Patches, Runs]:
    """Patch moto, for the whole process. Call it before anything is created in moto.

    `invoke` carries out the Lambda invocations of state machines; `on_queue_change` is called after
    messages came or went, `on_put` after an item was put, `on_taken` after a provider took a
    message, `on_ring` when a schedule rings, `on_delayed` when a delayed message has come.
    """
    patches, runs = Patches(), Runs(clock)
    waits.install(patches, runs)
    callbacks.install(patches, runs)
    executions.install(patches, runs)
    versions.install(patches)
    times.install(patches, clock)
    tasks.install(patches, runs, invoke)
    strictness.install(patches)
    tables.install(patches, on_put)
    answers.install(patches)
    queues.install(patches, clock, on_queue_change, on_delayed)
    schedules.install(patches, clock, on_ring)
    providers.install(patches, clock, on_taken)
    server.install(patches)
    return patches, runs
