"""What a recomputation needs of a deployed stage, all of it told by the router's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stepwell.aws.archive import Archive
from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.programs import read_text
from stepwell.aws.stages import variables
from stepwell.messages.policies import Policies, load_policies
from stepwell.storage.operations import ConditionFailedError, Update

_AT_ONCE = 8
"""Below the ten connections of a client."""


@dataclass(frozen=True)
class DeployedStage:
    """Account and Region are those of the credentials at hand. All raises what botocore raises."""

    name: str
    archive: Archive
    store: DynamoStore
    hasher: SecretHasher
    policies: Policies
    policies_key: str

    def still_has_them(self) -> bool:
        """Whether the router has these policies, and so these definitions, by now as well."""
        return variables(self.name, "router")["POLICIES_KEY"] == self.policies_key

    def write(self, updates: Sequence[Update]) -> list[bool]:
        """Of each, whether its condition held."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._held, updates))

    def _held(self, update: Update) -> bool:
        try:
            self.store.write(update)
        except ConditionFailedError:
            return False
        return True


def deployed_stage(name: str) -> DeployedStage:
    settings = variables(name, "router")
    bucket, key = settings["PROGRAMS_BUCKET"], settings["POLICIES_KEY"]
    return DeployedStage(
        name,
        Archive(client("s3"), settings["ARCHIVE_BUCKET"]),
        DynamoStore(client("dynamodb"), settings["CUSTOMERS_TABLE"]),
        SecretHasher(client("secretsmanager"), settings["HASH_SECRET_ARN"]),
        load_policies(read_text(client("s3"), bucket, key)),
        key,
    )
