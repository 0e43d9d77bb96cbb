"""What moto's CloudFormation lacks when templates come as they were synthesized, from the CDK's
command line; `infra.local.deploy` trims its templates and does without this.

Nothing is dropped in silence. The type of a resource that moto does not create is told to
`on_left_out`; moto would only warn. A change that moto cannot make fails, and goes on failing: moto
would lose the resource or, asked again, report success.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.apigateway.models import Method
from moto.awslambda.models import LambdaFunction, LayerVersion
from moto.cloudformation import parsing
from moto.cloudformation.custom_model import CustomModel
from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from infra.local.intrinsics import references
from infra.local.moto_patches.replacing import Patches
from infra.local.moto_patches.versions import MACHINE_VERSION
from infra.local.template_parts import BUCKET_DEPLOYMENT, marked_sources, without_markers

OnLeftOut = Callable[[str], None]
"""Called with the type of a resource that moto does not create."""
_DEPLOYED_FILES = {
    *("SourceBucketNames", "SourceObjectKeys", "SourceMarkers", "DestinationBucketName"),
}
_NO_MATTER = {
    *("ServiceToken", "OutputObjectKeys", "Prune", "WaitForDistributionInvalidation"),
    "SourceMarkersConfig",
}


class UnsupportedError(Exception):
    """A template asks for something that nothing here carries out."""


def install(patches: Patches, on_left_out: OnLeftOut) -> None:
    _install_left_out(patches, on_left_out)
    _install_changes(patches)
    _install_mock_methods(patches)
    _install_functions(patches)
    _install_custom_resources(patches)


def _is_known(kind: str) -> bool:
    return kind.startswith("Custom::") or kind in parsing.get_model_map()


def _install_left_out(patches: Patches, on_left_out: OnLeftOut) -> None:
    parse = parsing.parse_resource

    def parse_resource(resource_json: Any, resources_map: Any) -> Any:
        if _is_known(resource_json["Type"]):
            return parse(resource_json, resources_map)
        on_left_out(resource_json["Type"])
        return None

    patches.replace(parsing, "parse_resource", parse_resource)


def _install_changes(patches: Patches) -> None:
    change = parsing.parse_and_update_resource
    create, update = parsing.ResourceMap.create, parsing.ResourceMap.update
    compare = parsing.ResourceMap.build_resource_diff

    def parse_and_update_resource(
        logical_id: str, resource_json: Any, resources_map: Any, **where: Any
    ) -> Any:
        changed: Any = change(logical_id, resource_json, resources_map, **where)
        if changed is None and _is_known(resource_json["Type"]):
            raise UnsupportedError(f"moto cannot change {logical_id} ({resource_json['Type']})")
        return changed

    def create_resources(self: Any, template: Any) -> bool:
        try:
            return bool(create(self, template))
        except Exception as error:
            raise _refusal(error) from error

    def update_resources(self: Any, template: Any, parameters: Any = None) -> None:
        before = self._template, self._resource_json_map
        try:
            update(self, template, parameters)
        except Exception as error:
            self._template, self._resource_json_map = before
            raise _refusal(error) from error

    def build_resource_diff(self: Any, template: Any, parameters: Any = None) -> Any:
        found: Any = compare(self, template, parameters)
        found["Modify"] = _with_followers(found["Modify"], template["Resources"])
        return found

    patches.replace(parsing, "parse_and_update_resource", parse_and_update_resource)
    patches.replace(parsing.ResourceMap, "build_resource_diff", build_resource_diff)
    patches.replace(parsing.ResourceMap, "create", create_resources)
    patches.replace(parsing.ResourceMap, "update", update_resources)


def _with_followers(changed: list[str], resources: Mapping[str, Any]) -> list[str]:
    """With the versions of changed machines, for those are replaced, and the files that name them:
    moto sees changes of a template's text only. Each comes after what it refers to.
    """
    followers = changed
    for kind in (MACHINE_VERSION, BUCKET_DEPLOYMENT):
        followers = [
            name
            for name, each in resources.items()
            if each["Type"] == kind and references(each["Properties"]) & set(followers)
        ]
        changed = [*(name for name in changed if name not in followers), *followers]
    return changed


def _refusal(error: Exception) -> ValidationError:
    """An answer upon which clients do not try again, as they do after a failure of the server."""
    return ValidationError(message=f"{type(error).__name__}: {error}")


def _install_mock_methods(patches: Patches) -> None:
    """A method that API Gateway answers by itself calls nothing; moto wants to know what."""
    create = Method.create_from_cloudformation_json

    def create_method(
        _: type[Method], resource_name: str, cloudformation_json: Any, *where: Any, **more: Any
    ) -> Any:
        integration = cloudformation_json["Properties"]["Integration"]
        if integration["Type"] == "MOCK":
            integration.update(IntegrationHttpMethod=None, Uri=None)
        return create(resource_name, cloudformation_json, *where, **more)

    patches.replace(Method, "create_from_cloudformation_json", classmethod(create_method))


def _install_functions(patches: Patches) -> None:
    """A new function gets its layers too, and a layer's Ref is its ARN."""
    create = LambdaFunction.create_from_cloudformation_json

    def create_function(
        _: type[LambdaFunction],
        resource_name: str,
        cloudformation_json: Any,
        *where: Any,
        **more: Any,
    ) -> Any:
        made = create(resource_name, cloudformation_json, *where, **more)
        properties = cloudformation_json["Properties"]
        made.architectures = properties.get("Architectures", ["x86_64"])
        made.update_configuration({"Layers": properties.get("Layers", [])})
        return made

    patches.replace(LambdaFunction, "create_from_cloudformation_json", classmethod(create_function))
    patches.add(LayerVersion, "physical_resource_id", property(lambda self: self.arn))


def _install_custom_resources(patches: Patches) -> None:
    find = parsing.resource_class_from_type

    def resource_class_from_type(resource_type: str) -> Any:
        if resource_type == BUCKET_DEPLOYMENT:
            return _BucketDeployment
        if resource_type.startswith("Custom::"):
            raise UnsupportedError(f"nothing here carries out {resource_type}")
        return find(resource_type)

    patches.replace(parsing, "resource_class_from_type", resource_class_from_type)


class _BucketDeployment(CustomModel):
    """The CDK's own resource: the files of published archives, put into a bucket.

    moto would run its function, in Docker. What is in the bucket already stays.
    """

    def is_created(self) -> bool:
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> Any:
        backend = s3_backends[account_id][get_partition(region_name)]
        properties = cloudformation_json["Properties"]
        for name, content in _files(backend, properties):
            backend.put_object(properties["DestinationBucketName"], name, content)
        return cls(region_name, "", more.get("LogicalId", ""), resource_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,  # noqa: ARG003 - moto's interface
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        name = original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(
            name, cloudformation_json, account_id, region_name
        )


def _files(backend: Any, properties: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file. Raises UnsupportedError for what is not done here."""
    unknown = properties.keys() - _DEPLOYED_FILES - _NO_MATTER
    if any(properties.get("SourceMarkersConfig", ())):
        unknown.add("SourceMarkersConfig")
    if unknown or str(properties.get("Prune", True)).lower() != "false":
        asked = sorted(unknown) or "with pruning"
        raise UnsupportedError(f"nothing here carries out a bucket deployment {asked}")
    sources = zip(properties["SourceBucketNames"], marked_sources(properties), strict=True)
    for bucket, (key, markers) in sources:
        archive = backend.get_object(bucket, key)
        if archive is None:
            raise UnsupportedError(f"{key} was not published to {bucket}")
        with zipfile.ZipFile(io.BytesIO(archive.value)) as opened:
            for each in opened.infolist():
                if not each.is_dir():
                    yield each.filename, without_markers(opened.read(each), markers)
