"""The admin function of a stage, invoked as the API would: for operators with AWS credentials.

Whoever may invoke it need not know the API's address, and no firewall counts their calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stepwell.aws.clients import client


class FunctionFailedError(Exception):
    """The function itself failed; its log says why."""


def ask_function(stage: str, event: Mapping[str, Any]) -> tuple[int, Any]:
    """Status and document of its answer. Raises FunctionFailedError, and what botocore raises."""
    name = f"stepwell-{stage}-admin"
    found = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    payload = found["Payload"].read()
    if found.get("FunctionError"):
        raise FunctionFailedError(f"function {name} failed; its log says why")
    try:
        answer = json.loads(payload)
        return answer["statusCode"], json.loads(answer["body"])
    except (ValueError, TypeError, KeyError) as error:
        said = f"function {name} answered what is no document; use --url for a local stack"
        raise FunctionFailedError(said) from error
