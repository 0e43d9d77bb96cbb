"""The account and region that everything local pretends to be in."""

from __future__ import annotations

ACCOUNT = "123456789012"
"""Moto's own default: requests signed with any key belong to it."""
REGION = "us-east-1"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def machine_arn(name: str) -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
