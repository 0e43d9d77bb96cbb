"""Amazon States Language: the only place that spells its keys.

States are plain dicts in JSONPath. Written for AWS; where moto 5.2 differs, this holds for both:

- AWS fails an execution on a missing path (and no Catch sees it), moto does not: every path that is
  read is in `initial_state` or tested with IsPresent before;
- AWS wants braces escaped in the text of States.Format, moto does not understand the escape: braces
  come from `$.braces`;
- `$$.Execution.StartTime` is no JSON in moto: only `$$.State.EnteredTime` is used. In AWS it is ISO
  8601 with milliseconds and Z;
- AWS refuses a TimeoutSeconds of 0, moto accepts it: durations are at least one second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

State = dict[str, Any]
Rule = dict[str, Any]

ENTERED = "$$.State.EnteredTime"
TASK_TOKEN = "$$.Task.Token"  # noqa: S105 - a path, not a secret

ALL_ERRORS = "States.ALL"
TIMEOUT = "States.Timeout"

UPDATE_ITEM = "arn:aws:states:::aws-sdk:dynamodb:updateItem"
UPDATE_ITEM_AND_WAIT = UPDATE_ITEM + ".waitForTaskToken"
PUT_ITEM = "arn:aws:states:::aws-sdk:dynamodb:putItem"
GET_ITEM = "arn:aws:states:::aws-sdk:dynamodb:getItem"
TRANSACT_WRITE_ITEMS = "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems"
START_SYNC_EXECUTION = "arn:aws:states:::aws-sdk:sfn:startSyncExecution"
CREATE_SCHEDULE = "arn:aws:states:::aws-sdk:scheduler:createSchedule"
INVOKE_FUNCTION = "arn:aws:states:::lambda:invoke"


def machine(comment: str, start: str, states: Mapping[str, State]) -> dict[str, Any]:
    return {
        "Comment": comment,
        "QueryLanguage": "JSONPath",
        "StartAt": start,
        "States": dict(states),
    }


def task(
    resource: str,
    parameters: Mapping[str, Any],
    *,
    timeout: int,
    then: str | None,
    result_path: str | None = None,
    selector: Mapping[str, Any] | None = None,
    retry: Sequence[State] = (),
    catch: Sequence[State] = (),
) -> State:
    """A Task; `then` None ends the execution, `result_path` None drops the result."""
    state: State = {
        "Type": "Task",
        "Resource": resource,
        "Parameters": dict(parameters),
        "TimeoutSeconds": timeout,
    }
    if selector is not None:
        state["ResultSelector"] = dict(selector)
    state["ResultPath"] = result_path
    if retry:
        state["Retry"] = list(retry)
    if catch:
        state["Catch"] = list(catch)
    return {**state, **({"Next": then} if then else {"End": True})}


def retrying(errors: Sequence[str], *, attempts: int, seconds: int, most_seconds: int) -> State:
    """Bounded retries with full jitter; without an attempt, what comes after it does not apply."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": most_seconds,
        "JitterStrategy": "FULL",
    }


def catching(error: str, then: str, *, result_path: str | None = None) -> State:
    return {"ErrorEquals": [error], "ResultPath": result_path, "Next": then}


def choice(rules: Sequence[Rule], default: str, *, comment: str | None = None) -> State:
    described = {"Comment": comment} if comment else {}
    return {"Type": "Choice", **described, "Choices": list(rules), "Default": default}


def put(parameters: Mapping[str, Any], *, at: str, then: str) -> State:
    """A Pass that sets `at` to what the parameters give."""
    return {"Type": "Pass", "Parameters": dict(parameters), "ResultPath": at, "Next": then}


def wait(seconds: int, then: str) -> State:
    return {"Type": "Wait", "Seconds": seconds, "Next": then}


def wait_until(path: str, then: str) -> State:
    return {"Type": "Wait", "TimestampPath": path, "Next": then}


def succeed(comment: str) -> State:
    return {"Type": "Succeed", "Comment": comment}


def fail(error: str, cause: str) -> State:
    return {"Type": "Fail", "Error": error, "Cause": cause}


def leads(rule: Rule, then: str) -> Rule:
    """The rule as an entry of a Choice."""
    return {**rule, "Next": then}


def present(path: str, *, is_present: bool = True) -> Rule:
    return {"Variable": path, "IsPresent": is_present}


def text_is(path: str, text: str) -> Rule:
    return {"Variable": path, "StringEquals": text}


def text_is_at(path: str, other: str) -> Rule:
    return {"Variable": path, "StringEqualsPath": other}


def text_like(path: str, pattern: str) -> Rule:
    return {"Variable": path, "StringMatches": pattern}


def at_least(path: str, number: int) -> Rule:
    return {"Variable": path, "NumericGreaterThanEquals": number}


def every(*rules: Rule) -> Rule:
    """All must hold; AWS stops at the first that does not, so a test may follow its `present`."""
    return {"And": list(rules)}


def any_of(*rules: Rule) -> Rule:
    return {"Or": list(rules)}


def negated(rule: Rule) -> Rule:
    return {"Not": rule}
