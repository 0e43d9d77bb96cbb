"""What a Lambda authorizer answers to API Gateway: a policy, a context, a key to count by."""

from __future__ import annotations

from typing import Any

from stepwell.events.sources import Source, to_context


class UnauthorizedError(Exception):
    """API Gateway answers 401 to an authorizer that fails with this very word, and to no other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def allowed(method_arn: str, source: Source | None, shared_key: str) -> dict[str, Any]:
    """Let a call pass as `source`, or, when it is None, as one that ingest has to look at.

    `method_arn` is `arn:…:execute-api:…:<api>/<stage>/<method>/<path>`. The policy is for every
    path with this method, so that it is right also where the gateway is told to remember it.
    """
    api, stage, method = method_arn.split("/")[:3]
    return {
        "principalId": source.name if source else "unnamed",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": f"{api}/{stage}/{method}/*",
                }
            ],
        },
        "context": to_context(source) if source else {},
        "usageIdentifierKey": (source.usage_key if source else "") or shared_key,
    }
