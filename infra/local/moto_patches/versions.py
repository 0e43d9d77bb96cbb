"""Published versions of state machines, and executions that are started at one.

moto publishes, but knows no revisions, makes no version from a template, and lets an execution of a
version go astray: its name is not held against the machine's others, and nobody finds it again.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel
from moto.core.responses import ActionResult
from moto.stepfunctions import responses
from moto.stepfunctions.models import StateMachine, StateMachineVersion
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.moto_patches.replacing import Patches

MACHINE_VERSION = "AWS::StepFunctions::StateMachineVersion"
_REVISION = "StateMachineRevisionId"
_INITIAL = "INITIAL"


def install(patches: Patches) -> None:
    _install_revisions(patches)
    _install_description(patches)


def split(machine_arn: str) -> tuple[str, str | None]:
    """The machine's own ARN, and the ARN if it is a version's."""
    own, _, number = machine_arn.rpartition(":")
    return (own, machine_arn) if number.isdecimal() and own.count(":") > 5 else (machine_arn, None)


def _revision(machine: Any) -> str:
    return getattr(machine, "revision_id", _INITIAL)


def _install_revisions(patches: Patches) -> None:
    """Every change of a machine is another revision, and each has one version at most."""
    update, publish = StateMachine.update, StateMachine.publish
    attribute = StateMachine.get_cfn_attribute

    def updated(self: Any, **changes: Any) -> None:
        update(self, **changes)
        self.revision_id = str(uuid.uuid4())

    def published(self: Any, description: str | None) -> None:
        if self.latest_version is None or _revision(self.latest_version) != _revision(self):
            publish(self, description)
            self.latest_version.revision_id = _revision(self)

    def get_cfn_attribute(self: Any, attribute_name: str) -> Any:
        return _revision(self) if attribute_name == _REVISION else attribute(self, attribute_name)

    patches.replace(StateMachine, "update", updated)
    patches.replace(StateMachine, "publish", published)
    patches.replace(StateMachine, "get_cfn_attribute", get_cfn_attribute)


def _install_description(patches: Patches) -> None:
    describe = responses.StepFunctionResponse.describe_execution

    def describe_execution(self: Any) -> ActionResult:
        found: Any = describe(self).result
        execution = self.stepfunction_backend.describe_execution(found["executionArn"])
        version = getattr(execution, "state_machine_version_arn", None)
        return ActionResult(found | ({"stateMachineVersionArn": version} if version else {}))

    patches.replace(responses.StepFunctionResponse, "describe_execution", describe_execution)


class PublishedVersion(CloudFormationModel):
    """The resource. Moto finds it by being a subclass.

    Step Functions' own provider fails where the machine's revision has a version already; and it
    cannot change one, so that CloudFormation makes another instead.
    """

    def __init__(self, version: StateMachineVersion) -> None:
        self._version = version

    @property
    def physical_resource_id(self) -> str:
        return self._version.arn

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name != "Arn":
            raise ValidationError(message=f"{MACHINE_VERSION} has no {attribute_name}")
        return self._version.arn

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return MACHINE_VERSION

    def is_created(self) -> bool:
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003 - moto's interface
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> PublishedVersion:
        properties = cloudformation_json["Properties"]
        backend = stepfunctions_parser_backends[account_id][region_name]
        machine: Any = backend.describe_state_machine(properties["StateMachineArn"])
        latest = machine.latest_version
        if latest is not None and _revision(latest) == _revision(machine):
            raise ValidationError(message=f"{latest.arn} is of this revision already")
        if properties.get(_REVISION, _revision(machine)) != _revision(machine):
            raise ValidationError(message=f"{machine.arn} is of another revision by now")
        machine.publish(properties.get("Description"))
        return cls(machine.latest_version)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,  # noqa: ARG003 - it is kept: its policies say so
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> PublishedVersion:
        return cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )
