"""Deploys the synthesized templates to moto, through CloudFormation.

What moto cannot create is taken out of the template beforehand and told, with what stands in.
Nothing is dropped in silence: an environment variable that refers to something not created fails.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import get_model_map

from infra.local.account import ACCOUNT, REGION
from infra.local.assembly import StackTemplate
from infra.local.functions import Function
from infra.local.intrinsics import Scope, references
from infra.local.template_parts import (
    BUCKET_DEPLOYMENT,
    Authorizer,
    EventSource,
    Files,
    Page,
    Preflight,
    Refusal,
    Route,
    of_type,
    read_authorizers,
    read_event_sources,
    read_files,
    read_functions,
    read_pages,
    read_preflights,
    read_refusals,
    read_routes,
    without_markers,
)
from infra.local.usage import API_KEY, PLAN_KEY, USAGE_PLAN, make_usage_plans

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type
SCHEDULE_GROUP = "AWS::Scheduler::ScheduleGroup"
_METHOD = "AWS::ApiGateway::Method"
STANDS_IN = {
    "AWS::ApiGateway::Account": "nothing: it lets API Gateway write logs",
    "AWS::ApiGateway::Authorizer": "the local HTTP server asks the authorizer's function",
    API_KEY: "an API key made directly",
    PLAN_KEY: "the key is put into its plan directly",
    USAGE_PLAN: "a plan made directly; the local HTTP server throttles by it",
    "AWS::ApiGateway::Deployment": "the local HTTP server",
    "AWS::ApiGateway::GatewayResponse": "the local HTTP server",
    _METHOD: "the local HTTP server answers preflights and pages itself",
    "AWS::ApiGateway::Stage": "the local HTTP server",
    "AWS::CloudWatch::Alarm": "nothing: dead letters are shown at the end of a run",
    "AWS::Events::Rule": "the stepped clock runs the sweep when somebody is due; no provider tells "
    "of its own accord; `stepwell quarantine list` shows what is open; if you stop an execution by "
    "hand, its enrollment stays active",
    "AWS::Lambda::EventSourceMapping": "a poller in this process",
    "AWS::Lambda::LayerVersion": "the layer's folder; other packages are this environment's",
    "AWS::Logs::MetricFilter": "nothing: what it looks for is in the function's log",
    "AWS::S3::BucketPolicy": "nothing: access is not checked here",
    "AWS::SNS::Subscription": "nothing: no phone writes here",
    SCHEDULE_GROUP: "a group made directly; its schedules ring on the stepped clock",
    "AWS::SNS::TopicPolicy": "nothing: access is not checked here",
    "AWS::SQS::QueuePolicy": "nothing: access is not checked here",
    "AWS::WAFv2::WebACL": "nothing: nobody is blocked here",
    "AWS::WAFv2::WebACLAssociation": "nothing: nobody is blocked here",
    BUCKET_DEPLOYMENT: "the files are copied into the bucket",
    SECRET: "a secret made directly, the same at every start",
}
_OURS = {
    "AWS::ApiGateway::Deployment",
    "AWS::Events::Rule",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::LayerVersion",
    SCHEDULE_GROUP,
}
"""Moto would take them, and do something else than AWS."""


class DeployError(Exception):
    """A stack could not be created; the message names the stack and the resource."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was deployed, as far as the local stack carries it out itself.

    `left_out`: type of resource -> how many of it moto did not create.
    """

    functions: list[Function] = field(default_factory=list)
    event_sources: list[EventSource] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    authorizers: dict[str, Authorizer] = field(default_factory=dict)
    preflights: list[Preflight] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    machines: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def deploy(stacks: Iterable[StackTemplate], clients: Any) -> Deployment:
    """Create the stacks in moto. `clients(service)` is a boto3 client. Raises DeployError."""
    deployment = Deployment()
    for stack in stacks:
        left_out = {logical for logical, each in stack.resources.items() if not _can_create(each)}
        for logical in left_out:
            kind = stack.resources[logical]["Type"]
            deployment.left_out[kind] = deployment.left_out.get(kind, 0) + 1
        _create(stack, trimmed(stack.template, left_out), clients("cloudformation"))
        scope = _scope(stack, clients("secretsmanager"))
        for files in read_files(stack, scope):
            _copy(files, clients("s3"))
        deployment.functions.extend(read_functions(stack, scope))
        deployment.event_sources.extend(read_event_sources(stack, scope))
        deployment.routes.extend(read_routes(stack, scope))
        deployment.authorizers.update(read_authorizers(stack, scope))
        make_usage_plans(stack, scope, clients("apigateway"))
        for _, properties in of_type(stack, SCHEDULE_GROUP):
            clients("scheduler").create_schedule_group(Name=scope.resolve(properties["Name"]))
        deployment.preflights.extend(read_preflights(stack))
        deployment.pages.extend(read_pages(stack))
        deployment.refusals.extend(read_refusals(stack))
        deployment.machines.extend(
            scope.ref(logical) for logical, _ in of_type(stack, "AWS::StepFunctions::StateMachine")
        )
    return deployment


def stand_in(kind: str) -> str:
    return STANDS_IN.get(kind, "nothing stands in for it")


def _can_create(resource: Mapping[str, Any]) -> bool:
    kind = resource["Type"]
    if kind == _METHOD and resource["Properties"]["Integration"]["Type"] == "MOCK":
        return False  # moto expects every method to call something
    return kind in get_model_map() and kind not in _OURS


def trimmed(template: Mapping[str, Any], left_out: set[str]) -> dict[str, Any]:
    """The template without these resources and without all that refers to them.

    Functions get a word of code, for moto asks for some; their own is run from its folder.
    """
    resources = {}
    for logical, resource in template["Resources"].items():
        if logical in left_out:
            continue
        kept = _without({**resource, "DependsOn": _as_list(resource.get("DependsOn"))}, left_out)
        kept["DependsOn"] = [each for each in kept["DependsOn"] if each not in left_out]
        if resource["Type"] == "AWS::Lambda::Function":
            kept["Properties"]["Code"] = {"ZipFile": "run from its folder"}
        resources[logical] = kept
    outputs = {
        name: output
        for name, output in template.get("Outputs", {}).items()
        if not references(output) & left_out
    }
    rest = {key: value for key, value in template.items() if key not in {"Resources", "Outputs"}}
    return {**rest, "Resources": resources, "Outputs": outputs}


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _without(value: Any, left_out: set[str]) -> Any:
    """The value without the members that refer directly to what was left out."""
    if isinstance(value, list):
        return [_without(each, left_out) for each in value if not _refers(each, left_out)]
    if isinstance(value, Mapping):
        return {k: _without(v, left_out) for k, v in value.items() if not _refers(v, left_out)}
    return value


def _refers(value: Any, left_out: set[str]) -> bool:
    is_call = isinstance(value, Mapping) and len(value) == 1
    name = next(iter(value)) if is_call else ""
    return (name == "Ref" or name.startswith("Fn::")) and bool(references(value) & left_out)


def _create(stack: StackTemplate, template: Mapping[str, Any], cloudformation: Any) -> None:
    try:
        cloudformation.create_stack(StackName=stack.name, TemplateBody=json.dumps(template))
    except Exception as error:
        raise DeployError(f"stack {stack.name}: {error}") from error
    created = _resource_map(stack)
    for logical in template["Resources"]:
        if created.get(logical) is None:
            kind = template["Resources"][logical]["Type"]
            raise DeployError(f"stack {stack.name}: {logical} ({kind}) was not created")


def _resource_map(stack: StackTemplate) -> Any:
    return cloudformation_backends[ACCOUNT][REGION].get_stack(stack.name).resource_map


def _scope(stack: StackTemplate, secrets: Any) -> Scope:
    created = _resource_map(stack)
    made: dict[str, str] = {}

    def ref(logical: str) -> str:
        return made.get(logical) or str(created[logical].physical_resource_id)

    def attribute(logical: str, name: str) -> str:
        return str(created[logical].get_cfn_attribute(name))

    backend = cloudformation_backends[ACCOUNT][REGION]
    scope = Scope(ref, attribute, {name: each.value for name, each in backend.exports.items()})
    for logical, properties in of_type(stack, SECRET):
        made[logical] = _make_secret(str(scope.resolve(properties["Name"])), secrets)
    return scope


def _make_secret(name: str, secrets: Any) -> str:
    """The same text at every start, so that the same replay gives the same ids."""
    text = hashlib.sha256(f"local {name}".encode()).hexdigest()
    return str(secrets.create_secret(Name=name, SecretString=text)["ARN"])


def _copy(files: Files, s3: Any) -> None:
    for path in sorted(files.folder.rglob("*")):
        if path.is_file():
            key = path.relative_to(files.folder).as_posix()
            content = without_markers(path.read_bytes(), files.markers)
            s3.put_object(Bucket=files.bucket, Key=files.prefix + key, Body=content)
