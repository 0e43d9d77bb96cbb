"""Quotas of the account against what the stage asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepwell.readiness.findings import Finding, ok, problem, warning

CONCURRENCY = "Lambda concurrency"
EXECUTIONS = "open executions"
STARTS = "execution starts"
API = "API rate"
OPEN_EXECUTIONS = 1_000_000
"""AWS's default; each customer in a journey holds one."""
STARTS_A_SECOND = 150
"""Half of what AWS gives in its largest Regions; less is worth knowing about."""
_ROOM = 2
"""Workers take their part; as much again is for the functions that they and the API call."""
_QUOTAS = "console: Service Quotas"


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many functions may run at once in the account, and how many of these nobody reserved."""

    account: int
    unreserved: int


def check_concurrency(found: Concurrency, workers: Mapping[str, int]) -> Finding:
    """`workers`: how many of a function its queue may start."""
    taken = sum(workers.values())
    listed = " and ".join(f"{count} of {name}" for name, count in sorted(workers.items()))
    mend = "aws service-quotas request-service-quota-increase --service-code lambda"
    mend += f" --quota-code L-B99A9384 --desired-value {max(1000, _ROOM * taken)}"
    if found.unreserved <= taken:
        means = f"{found.unreserved} functions may run at once, and queues alone start {listed}: "
        return problem(CONCURRENCY, means + "calls of apps and sends would be turned away", mend)
    if found.unreserved < _ROOM * taken:
        means = f"{found.unreserved} functions may run at once, and queues may start {listed}"
        return warning(CONCURRENCY, means, mend)
    return ok(CONCURRENCY, f"{found.unreserved:,} functions may run at once, {listed} for queues")


def check_executions(quota: float | None) -> Finding:
    """`quota` is None where Service Quotas does not list it."""
    if quota is None:
        means = f"not listed for this account; AWS's default is {OPEN_EXECUTIONS:,}"
        return warning(EXECUTIONS, means, f"{_QUOTAS}, AWS Step Functions; docs/doctor.md")
    means = f"{quota:,.0f} customers can be in a journey at once, each journey counted"
    if quota < OPEN_EXECUTIONS:
        return warning(EXECUTIONS, means, f"{_QUOTAS}, AWS Step Functions, open executions")
    return ok(EXECUTIONS, means)


def check_starts(quota: float | None) -> Finding:
    if quota is None:
        means = "not listed for this account; starts that Step Functions throttles wait in a queue"
        return warning(STARTS, means, f"{_QUOTAS}, AWS Step Functions, StartExecution")
    means = f"{quota:,.0f} journeys can start a second; what does not fit waits in a queue"
    if quota < STARTS_A_SECOND:
        return warning(STARTS, means, f"{_QUOTAS}, AWS Step Functions, StartExecution")
    return ok(STARTS, means)


def check_api(account: float, stage: float | None) -> Finding:
    """Calls a second: what the account may take, and what the stage says it takes."""
    if stage is None:
        means = "the API has no stage of this name: no app can send an event"
        return problem(API, means, "deploy again: npx cdk deploy --all")
    means = f"the account takes {account:,.0f} calls a second, and the stage is set to {stage:,.0f}"
    if account < stage:
        return problem(API, means, f"{_QUOTAS}, Amazon API Gateway, Throttle rate")
    return ok(API, means)
