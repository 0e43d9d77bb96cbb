"""A `Stage` behind the command line: as an API by its URL, and as a stage in AWS by its name."""

from __future__ import annotations

import base64
import io
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request

import pytest

from infra.local.gateway import match_path
from stepwell.aws import admin_function
from stepwell.cli import http
from stepwell.customers.inquiries import AUDIENCE, AUDIENCES, CUSTOMER, CUSTOMERS
from tests.support.stage import PREFIX, Stage


def by_url(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let HTTP calls of the command line be carried out by the stage's handlers."""

    def once(request: Request) -> http.Answer:
        parts = urlsplit(request.full_url)
        body = request.data.decode() if isinstance(request.data, bytes) else ""
        if parts.path.startswith("/admin/"):
            answer = stage.engine.invoke(PREFIX + "admin", _event(request, body))
        else:
            key = base64.b64decode(str(request.get_header("Authorization"))[6:]).decode()[:-1]
            answer = stage.call(parts.path.rpartition("/")[2], body, key=key)
            stage.deliver()
        return http.Answer(answer["statusCode"], json.loads(answer["body"]))

    monkeypatch.setattr(http, "_once", once)


def _event(request: Request, body: str) -> dict[str, Any]:
    parts = urlsplit(request.full_url)
    ways = {"GET": (CUSTOMER, AUDIENCES, AUDIENCE), "POST": (CUSTOMERS,)}[request.get_method()]
    found = [(each, match_path(each, parts.path)) for each in ways]
    resource, parameters = next((r, p) for r, p in found if p is not None)
    return {
        "resource": resource,
        "pathParameters": parameters or None,
        "queryStringParameters": dict(parse_qsl(parts.query)) or None,
        "body": body or None,
        "isBase64Encoded": False,
    }


def by_stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the admin function that is invoked by name be the stage's."""

    class Lambda:
        def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's names
            result, error = stage.engine.functions(FunctionName, json.loads(Payload))
            found = {"Payload": io.BytesIO(json.dumps(result).encode())}
            return found | ({"FunctionError": error} if error else {})

    monkeypatch.setattr(admin_function, "client", lambda _: Lambda())
