"""What the local stack carries out itself: a template's functions, mappings, routes and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.assembly import StackTemplate
from infra.local.functions import Function, name_of
from infra.local.intrinsics import Scope, UnresolvedError

BUCKET_DEPLOYMENT = "Custom::CDKBucketDeployment"
_FUNCTION_IN_URI = re.compile(r"/functions/(arn:[^/]+)/invocations")


class TemplateError(Exception):
    """Something in the template cannot be carried out here; the message names it."""


@dataclass(frozen=True, slots=True)
class EventSource:
    """A queue that a function works off."""

    queue_arn: str
    function: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a template such as `/admin/customers/{id}`; `authorization` is NONE, AWS_IAM or
    CUSTOM: then `authorizer` is the logical id of one. `needs_key`: calls are counted by API key.
    """

    method: str
    path: str
    function: str
    authorization: str
    authorizer: str = ""
    needs_key: bool = False


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A function that is asked whether a call may pass.

    Its answer is remembered for some `seconds`, by the values of `identity`:
    `method.request.header.<name>`, …
    """

    function: str
    seconds: int
    identity: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the gateway itself answers to a browser's OPTIONS on a path: an integration MOCK."""

    path: str
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """What the gateway itself answers to a GET of a path: an integration MOCK with a body."""

    path: str
    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The shape of what the gateway itself refuses: of one type, or DEFAULT_4XX or DEFAULT_5XX.

    `status` is another than the type's own, or None.
    """

    kind: str
    headers: Mapping[str, str]
    template: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """A folder that CDK copies into a bucket while it deploys.

    `markers` are texts in its files with what takes their place, once that is known.
    """

    folder: Path
    bucket: str
    prefix: str
    markers: Mapping[str, str]


def of_type(stack: StackTemplate, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical, resource in stack.resources.items():
        if resource["Type"] == kind:
            yield logical, resource.get("Properties", {})


def read_functions(stack: StackTemplate, scope: Scope) -> list[Function]:
    """The functions with their environment. Raises TemplateError naming function and variable.

    Those that serve custom resources are CDK's own and are not run.
    """
    providers = {
        resource["Properties"]["ServiceToken"].get("Fn::GetAtt", [""])[0]
        for resource in stack.resources.values()
        if isinstance(resource.get("Properties", {}).get("ServiceToken"), Mapping)
    }
    return [
        _read_function(stack, scope, properties)
        for logical, properties in of_type(stack, "AWS::Lambda::Function")
        if logical not in providers
    ]


def _read_function(stack: StackTemplate, scope: Scope, properties: Mapping[str, Any]) -> Function:
    name = scope.resolve(properties["FunctionName"])
    environment = {}
    for variable, value in properties.get("Environment", {}).get("Variables", {}).items():
        try:
            environment[variable] = str(scope.resolve(value))
        except UnresolvedError as error:
            raise TemplateError(f"function {name}, variable {variable}: {error}") from error
    layers = [_layer(stack, reference["Ref"]) for reference in properties.get("Layers", ())]
    return Function(
        name=name,
        path=(_code(stack, name, properties), *(layer for layer in layers if layer)),
        handler=properties["Handler"],
        environment=environment,
        timeout=int(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
    )


def _code(stack: StackTemplate, name: str, properties: Mapping[str, Any]) -> Path:
    key = properties["Code"].get("S3Key")
    if key not in stack.assets:
        raise TemplateError(f"function {name}: its code is no asset of {stack.name}")
    return stack.assets[key]


def _layer(stack: StackTemplate, logical: str) -> Path | None:
    """The layer's import folder, if it is ours; third-party packages are this environment's own."""
    key = stack.resources[logical]["Properties"]["Content"]["S3Key"]
    folder = stack.assets[key] / "python"
    return folder if (folder / "stepwell").is_dir() else None


def read_event_sources(stack: StackTemplate, scope: Scope) -> list[EventSource]:
    return [
        EventSource(
            queue_arn=scope.resolve(properties["EventSourceArn"]),
            function=scope.resolve(properties["FunctionName"]),
            batch_size=int(properties.get("BatchSize", 10)),
            reports_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", ()),
        )
        for _, properties in of_type(stack, "AWS::Lambda::EventSourceMapping")
    ]


def read_routes(stack: StackTemplate, scope: Scope) -> list[Route]:
    routes = []
    for path, properties in _methods(stack):
        found = _FUNCTION_IN_URI.search(scope.resolve(properties["Integration"].get("Uri", "")))
        if found:
            routes.append(
                Route(
                    method=properties["HttpMethod"],
                    path=path,
                    function=name_of(found[1]),
                    authorization=properties.get("AuthorizationType", "NONE"),
                    authorizer=properties.get("AuthorizerId", {}).get("Ref", ""),
                    needs_key=properties.get("ApiKeyRequired", False),
                )
            )
    return routes


def read_authorizers(stack: StackTemplate, scope: Scope) -> dict[str, Authorizer]:
    """By logical id. Raises TemplateError for one of another type than REQUEST."""
    found = {}
    for logical, properties in of_type(stack, "AWS::ApiGateway::Authorizer"):
        function = _FUNCTION_IN_URI.search(scope.resolve(properties.get("AuthorizerUri", "")))
        if properties["Type"] != "REQUEST" or not function:
            raise TemplateError(f"authorizer {logical}: only a function of type REQUEST is known")
        sources = properties.get("IdentitySource", "")
        found[logical] = Authorizer(
            function=name_of(function[1]),
            seconds=int(properties.get("AuthorizerResultTtlInSeconds", 300)),
            identity=tuple(each.strip() for each in sources.split(",") if each.strip()),
        )
    return found


def read_preflights(stack: StackTemplate) -> list[Preflight]:
    return [
        Preflight(
            path=path,
            status=int(answer["StatusCode"]),
            headers=_headers(answer.get("ResponseParameters", {})),
        )
        for path, properties in _methods(stack)
        if properties["HttpMethod"] == "OPTIONS" and properties["Integration"]["Type"] == "MOCK"
        for answer in properties["Integration"]["IntegrationResponses"][:1]
    ]


def read_pages(stack: StackTemplate) -> list[Page]:
    """Raises TemplateError for a body that is a program in the gateway's template language."""
    pages = []
    for path, properties in _methods(stack):
        if properties["HttpMethod"] != "GET" or properties["Integration"]["Type"] != "MOCK":
            continue
        answer = properties["Integration"]["IntegrationResponses"][0]
        body = answer["ResponseTemplates"]["application/json"]
        if "$" in body or "#" in body:
            raise TemplateError(f"GET {path}: only a text without $ and # can be answered here")
        headers = _headers(answer.get("ResponseParameters", {}))
        pages.append(Page(path, int(answer["StatusCode"]), headers, body))
    return pages


def read_refusals(stack: StackTemplate) -> list[Refusal]:
    return [
        Refusal(
            kind=properties["ResponseType"],
            headers=_headers(properties.get("ResponseParameters", {})),
            template=properties["ResponseTemplates"]["application/json"],
            status=int(properties["StatusCode"]) if "StatusCode" in properties else None,
        )
        for _, properties in of_type(stack, "AWS::ApiGateway::GatewayResponse")
    ]


def _methods(stack: StackTemplate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, properties) of every method."""
    paths = dict(of_type(stack, "AWS::ApiGateway::Resource"))

    def path(reference: Mapping[str, Any]) -> str:
        if "Ref" not in reference:
            return ""  # the root: GetAtt RootResourceId
        properties = paths[reference["Ref"]]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    for _, properties in of_type(stack, "AWS::ApiGateway::Method"):
        yield path(properties["ResourceId"]) or "/", properties


def _headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Header name -> value, from `method.response.header.<name>` -> `'<value>'`."""
    return {name.rpartition(".")[2]: value.strip("'") for name, value in parameters.items()}


def read_files(stack: StackTemplate, scope: Scope) -> list[Files]:
    return [
        Files(
            folder=stack.assets[key],
            bucket=scope.resolve(properties["DestinationBucketName"]),
            prefix=properties.get("DestinationBucketKeyPrefix", ""),
            markers=scope.resolve(markers),
        )
        for _, properties in of_type(stack, BUCKET_DEPLOYMENT)
        for key, markers in marked_sources(properties)
    ]


def marked_sources(properties: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The archives' names with the markers in their files."""
    keys = properties["SourceObjectKeys"]
    return list(zip(keys, properties.get("SourceMarkers", [{}] * len(keys)), strict=True))


def without_markers(content: bytes, markers: Mapping[str, str]) -> bytes:
    """A file as it comes into the bucket."""
    for marker, text in markers.items():
        content = content.replace(marker.encode(), text.encode())
    return content
