"""Small state machines for tests of the local engine, and its start."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.engine import function_arn

START = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
KEY = {"pk": {"S": "CUSTOMER#c1"}, "sk": {"S": "ENROLLMENT#j#k"}}


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def machine(**states: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states})


def invoke(function: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn(function), "Payload.$": "$"},
        "TimeoutSeconds": 60,
        **more,
    }
