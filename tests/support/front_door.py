"""The API of the synthesized template in this process: gateway, authorizer and ingest as deployed.

What stands between a request and a handler is read from the template; the handlers are a Stage's,
on moto. There is no network, so that a test can send thousands of requests in a few seconds.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from infra.local.account import function_arn
from infra.local.assembly import StackTemplate, read_assembly
from infra.local.authorizing import Gate
from infra.local.gateway import Api, Request, Response
from infra.local.intrinsics import Scope
from infra.local.template_parts import (
    read_authorizers,
    read_pages,
    read_preflights,
    read_refusals,
    read_routes,
)
from infra.local.usage import find_plan, make_usage_plans
from tests.support.local_stack import ROOT, make
from tests.support.stage import Stage


@functools.cache
def engine_template() -> StackTemplate:
    """The engine's template as the code is now."""
    make("synth")
    return next(each for each in read_assembly(ROOT / "cdk.out") if each.name.endswith("-engine"))


class FrontDoor:
    """`ask` is a request from another machine."""

    def __init__(self, stage: Stage, template: StackTemplate) -> None:
        self.stage = stage
        scope = Scope(_nothing, _attributes(template), {})
        make_usage_plans(template, scope, stage.engine.client("apigateway"))
        self.gate = Gate(stage.engine.functions, find_plan, read_authorizers(template, scope))
        self.api = Api(
            tuple(read_routes(template, scope)),
            stage.engine.functions,
            stage.engine.clock,
            "front page",
            str,
            tuple(read_preflights(template)),
            tuple(read_refusals(template)),
            pages=tuple(read_pages(template)),
            gate=self.gate,
        )

    def ask(
        self,
        path: str,
        body: bytes | Mapping[str, Any] = b"",
        *,
        key: str | None = "local",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = basic(key)
        return self.api.answer(Request(method, path, tuple(sent.items()), content, "192.0.2.7"))


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


def _nothing(logical: str) -> str:
    raise KeyError(logical)


def _attributes(template: StackTemplate) -> Any:
    def attribute(logical: str, name: str) -> str:
        resource = template.resources[logical]
        if resource["Type"] != "AWS::Lambda::Function" or name != "Arn":
            raise KeyError(logical)
        return function_arn(resource["Properties"]["FunctionName"])

    return attribute


def as_wsgi(door: FrontDoor) -> Any:
    """The same as a WSGI application, for tools that test one without a network."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [
            (name.removeprefix("HTTP_").replace("_", "-").title(), value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
        ]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        target = quote(environ["PATH_INFO"].encode("latin-1"))
        if environ.get("QUERY_STRING"):
            target += "?" + environ["QUERY_STRING"]
        body = environ["wsgi.input"].read(length)
        method = environ["REQUEST_METHOD"]
        answer = door.api.answer(Request(method, target, tuple(headers), body, "192.0.2.7"))
        sent = [(name, each) for name, values in answer.headers.items() for each in values]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", sent)
        return [answer.body]

    return application
