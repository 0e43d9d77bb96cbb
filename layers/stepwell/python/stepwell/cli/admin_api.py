"""Where commands ask for customers: an API by its URL, or the admin function of a stage in AWS."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from stepwell.cli.command import CommandError
from stepwell.cli.http import DEFAULT_URL, Answer, ApiError, call

CUSTOMERS, CUSTOMER = "/admin/customers", "/admin/customers/{id}"
AUDIENCES, AUDIENCE = "/admin/audiences", "/admin/audiences/{name}"


@dataclass(frozen=True, slots=True)
class Asked:
    """`name` stands for the parameter in the resource's path."""

    resource: str
    name: str = ""
    query: Mapping[str, str] | None = None
    document: Any = None

    @property
    def method(self) -> str:
        return "GET" if self.document is None else "POST"

    @property
    def body(self) -> bytes | None:
        return None if self.document is None else json.dumps(self.document).encode()


@dataclass(frozen=True, slots=True)
class Admin:
    """`place` names what is asked, for messages."""

    place: str
    send: Callable[[Asked], Answer]

    def ask(
        self,
        resource: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        document: Any = None,
    ) -> dict[str, Any]:
        """The answer's document. Raises ApiError for every other answer than 200."""
        answer = self.send(Asked(resource, name, query, document))
        if answer.status != 200 or not isinstance(answer.body, dict):
            message = answer.body.get("message") if isinstance(answer.body, dict) else answer.body
            raise ApiError(f"{self.place} answered {answer.status}: {message}")
        return answer.body


def add_place(parser: ArgumentParser) -> None:
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--url", default=DEFAULT_URL, help="the API (default: %(default)s)")
    place.add_argument("--stage", help="a stage in AWS instead, by its name: dev or prod")


def admin_of(arguments: Namespace) -> Admin:
    if arguments.stage:
        return Admin(f"stage {arguments.stage}", lambda asked: _invoke(arguments.stage, asked))
    return Admin(arguments.url, lambda asked: _call(arguments.url, asked))


def check_customer(name: str) -> None:
    """Raises CommandError for a name that is none: it would ask another question."""
    if not name.strip():
        said = "any id, email, phone or device token of theirs; what was given is empty"
        raise CommandError(f"say which customer: {said}")


def _call(url: str, asked: Asked) -> Answer:
    path = asked.resource.replace("{id}", "{name}").format(name=quote(asked.name, safe=""))
    address = f"{url.rstrip('/')}{path}"
    if asked.query:
        address += f"?{urlencode(asked.query)}"
    body = asked.body
    headers = {"Content-Type": "application/json"} if body else {}
    if is_aws_api(url):
        headers |= _signed(asked.method, address, body)
    return call(asked.method, address, headers=headers, body=body)


def is_aws_api(url: str) -> bool:
    """Whether the URL is an API Gateway's own, which checks signatures."""
    host = urlsplit(url).hostname or ""
    return ".execute-api." in host and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _signed(method: str, address: str, body: bytes | None) -> Mapping[str, str]:
    from stepwell.aws.signing import NoCredentialsError, signed_headers  # noqa: PLC0415 - boto3

    try:
        return signed_headers(method, address, body)
    except NoCredentialsError as error:
        raise ApiError(str(error)) from error


def _invoke(stage: str, asked: Asked) -> Answer:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.admin_function import FunctionFailedError, ask_function  # noqa: PLC0415

    parameter = "id" if "{id}" in asked.resource else "name"
    event = {
        "resource": asked.resource,
        "httpMethod": asked.method,
        "pathParameters": {parameter: quote(asked.name, safe="")} if asked.name else None,
        "queryStringParameters": dict(asked.query) if asked.query else None,
        "body": body.decode() if (body := asked.body) else None,
        "isBase64Encoded": False,
    }
    try:
        return Answer(*ask_function(stage, event))
    except (BotoCoreError, ClientError, FunctionFailedError) as error:
        raise ApiError(f"stage {stage}: {error}") from error
