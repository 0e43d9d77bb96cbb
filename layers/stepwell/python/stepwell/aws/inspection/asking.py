"""Asking AWS, with an error that says which permission is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import ClientError

P = ParamSpec("P")
T = TypeVar("T")

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "ForbiddenException",
        "UnauthorizedOperation",
    }
)
_MISSING = frozenset(
    {
        "NotFound",
        "NotFoundException",
        "NoSuchResourceException",
        "ResourceNotFoundException",
        "AWS.SimpleQueueService.NonExistentQueue",
    }
)


_SAID = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")
"""Mostly AWS says itself what is missing, also where it is another service's, a key's above all."""


class DeniedError(Exception):
    """The caller may not do this; `action` is IAM's name of it."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action


@contextmanager
def asking(client: Any) -> Iterator[None]:
    """Around calls of one client. Raises DeniedError where AWS denies one."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        if answer.get("Code") not in _DENIED:
            raise
        said = _SAID.search(answer.get("Message", ""))
        action = said[1] if said else action_of(client, error.operation_name)
        raise DeniedError(action) from error


def ask(operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The answer of a client's method. Raises DeniedError, and what botocore raises."""
    with asking(getattr(operation, "__self__")):  # noqa: B009 - every client's method has one
        return operation(*args, **kwargs)


def find(operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """The answer; None when AWS has no such thing."""
    try:
        return ask(operation, *args, **kwargs)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def pages(client: Any, operation: str, of: str, **parameters: Any) -> Iterator[Any]:
    """Everything of the answers' list `of`, page by page."""
    with asking(client):
        for page in client.get_paginator(operation).paginate(**parameters):
            yield from page.get(of, ())


def is_missing(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _MISSING


def action_of(client: Any, operation: str) -> str:
    """IAM's name of an operation: `ses:GetAccount`; of API Gateway's it is the HTTP method."""
    model = client.meta.service_model
    if model.service_name == "apigateway":
        operation = model.operation_model(operation).http["method"]
    return f"{model.signing_name}:{operation}"
