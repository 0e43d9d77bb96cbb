"""What the synthesized roles allow, held against every call that a handler makes in a `Stage`.

moto checks no permissions: a handler that calls what its role does not allow would pass all tests
and fail in an account. So a call that no statement of the function's role allows is refused here as
AWS refuses it. Actions are compared, and for DynamoDB the table; other resources are left to
`tests/infrastructure/test_permissions.py`, which has each of them written out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from infra.local.functions import Invocation, name_of
from infra.local.in_process import InProcessInvoker

TEMPLATE = Path("cdk.out/stepwell-local-engine.template.json")
"""What `make synth` has written, as a part of `make check`."""
_PREFIXES = {
    "stepfunctions": "states",
    "sesv2": "ses",
    "pinpoint": "mobiletargeting",
    "pinpoint-sms-voice-v2": "sms-voice",
    "socialmessaging": "social-messaging",
}
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
_CHOSEN_BY_TESTS = {"sns"}
"""A stage of tests sends by SNS, which moto keeps; the stage `local` by End User Messaging."""
_IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}

Grant = tuple[str, str]
"""An action, and for DynamoDB the table: customers or records."""

_function: ContextVar[str] = ContextVar("function", default="")


@contextmanager
def held_to_roles(more: Mapping[str, set[Grant]] | None = None) -> Iterator[None]:
    """Refuse what the role of the function at work does not allow. `more` by function: what a
    project besides the shipped one gives its roles.
    """
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]
    invoke = InProcessInvoker.__call__

    def checked(self: Any, operation: str, request: Any) -> Any:
        function = _function.get()
        if function:
            service = self.meta.service_model.service_name
            _check(function, service, operation, request, (more or {}).get(function, set()))
        return call(self, operation, request)

    def invoked(self: InProcessInvoker, reference: str, event: Any) -> Invocation:
        token = _function.set(name_of(reference))
        try:
            return invoke(self, reference, event)
        finally:
            _function.reset(token)

    with (
        patch.object(BaseClient, "_make_api_call", checked),
        patch.object(InProcessInvoker, "__call__", invoked),
    ):
        yield


def _check(
    function: str, service: str, operation: str, request: Mapping[str, Any], more: set[Grant]
) -> None:
    granted = allowed().get(function)
    if granted is None or service in _CHOSEN_BY_TESTS:
        return
    for grant in needed(service, operation, request):
        if grant not in granted | more:
            said = f"{function} may not do {' on '.join(filter(None, grant))}"
            raise ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": said}}, operation
            )


def needed(service: str, operation: str, request: Mapping[str, Any]) -> set[Grant]:
    """The actions that a call asks for."""
    if service != "dynamodb":
        action = f"{_PREFIXES.get(service, service)}:{operation}"
        return {(_ACTIONS.get(action, action), "")}
    if operation == "TransactWriteItems":
        return {
            (f"dynamodb:{_IN_TRANSACTIONS[kind]}", _table(entry["TableName"]))
            for each in request["TransactItems"]
            for kind, entry in each.items()
        }
    names = request["RequestItems"] if operation == "BatchGetItem" else [request["TableName"]]
    return {(f"dynamodb:{operation}", _table(name)) for name in names}


def _table(name: str) -> str:
    return name.rpartition("-")[2]


@cache
def allowed() -> Mapping[str, frozenset[Grant]]:
    """By function. Empty without a template: a test says that there has to be one."""
    if not TEMPLATE.exists():
        return {}
    resources = json.loads(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    return {
        each["Properties"]["FunctionName"]: frozenset(
            _grants(resources[each["Properties"]["Role"]["Fn::GetAtt"][0]])
        )
        for each in resources.values()
        if each["Type"] == "AWS::Lambda::Function"
    }


def _grants(role: Mapping[str, Any]) -> Iterator[Grant]:
    for policy in role["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            listed = statement["Action"]
            resources = json.dumps(statement.get("Resource", statement.get("NotResource")))
            tables = [name for name in ("customers", "records") if name.capitalize() in resources]
            for action in [listed] if isinstance(listed, str) else listed:
                on = tables if action.startswith("dynamodb:") else [""]
                yield from ((action, table) for table in on)
