"""API keys and usage plans: how API Gateway tells one source's calls from another's and throttles
them.

A stage has a plan for each tier, made with the stack. A source has one API key in each tier that it
is or was in, named `stepwell-<stage>/<source>/<tier>`; both of its write keys share it. A key never
changes its plan: a source that changes its tier would be in none for a moment, and its calls would
be refused. Nobody can call with such a key, so that one which is no longer used does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.events.sources import usage_key

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

_PAGE = 500


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    name: str
    enabled: bool


class TierError(Exception):
    """There is no such tier; the message names those there are."""


@dataclass(frozen=True, slots=True)
class UsagePlans:
    """Everything here may be repeated, and left off at any point: what is there is used."""

    client: APIGatewayClient
    stage: str

    def admit(self, source: str, tier: str) -> str:
        """See to an enabled API key of the source in the tier's plan; its value. Raises TierError.

        When it returns, calls that are counted by this value pass.
        """
        plan = self._plan(tier)
        value = usage_key(self.stage, source, tier)
        key = self._key(source, tier) or self._create(source, tier, value)
        if not key.enabled:
            self._switch(key.id, on=True)
        if plan not in self._plans_of(key.id):
            with suppress(self.client.exceptions.ConflictException):  # somebody else was faster
                self.client.create_usage_plan_key(usagePlanId=plan, keyId=key.id, keyType="API_KEY")
        return value

    def close(self, source: str) -> None:
        """Disable the source's API keys, of all tiers."""
        for key in self._keys(f"{self._prefix}{source}/"):
            if key.enabled:
                self._switch(key.id, on=False)

    @property
    def _prefix(self) -> str:
        return f"stepwell-{self.stage}/"

    def _plan(self, tier: str) -> str:
        """The plan's id."""
        prefix = f"stepwell-{self.stage}-tier-"
        found = {
            each["name"].removeprefix(prefix): each["id"]
            for page in self.client.get_paginator("get_usage_plans").paginate()
            for each in page["items"]
            if each["name"].startswith(prefix)
        }
        if tier not in found:
            there_are = ", ".join(sorted(found)) or "none: deploy the stage first"
            raise TierError(f"stage {self.stage} has no tier {tier!r}; there are {there_are}")
        return found[tier]

    def _plans_of(self, key_id: str) -> set[str]:
        pages = self.client.get_paginator("get_usage_plans").paginate(keyId=key_id)
        return {each["id"] for page in pages for each in page["items"]}

    def _key(self, source: str, tier: str) -> _Key | None:
        name = f"{self._prefix}{source}/{tier}"
        return next((each for each in self._keys(name) if each.name == name), None)

    def _keys(self, prefix: str) -> Iterator[_Key]:
        pages = self.client.get_paginator("get_api_keys").paginate(
            nameQuery=prefix, PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            for each in page["items"]:
                yield _Key(each["id"], each.get("name", ""), each.get("enabled", False))

    def _create(self, source: str, tier: str, value: str) -> _Key:
        name = f"{self._prefix}{source}/{tier}"
        try:
            made = self.client.create_api_key(
                name=name,
                description="Stepwell: counts a source's calls; nobody can call with it",
                value=value,
                enabled=True,
            )
        except self.client.exceptions.ConflictException:
            found = self._key(source, tier)  # somebody else made it just now
            if found is None:
                raise
            return found
        return _Key(made["id"], name, enabled=True)

    def _switch(self, key_id: str, *, on: bool) -> None:
        self.client.update_api_key(
            apiKey=key_id,
            patchOperations=[{"op": "replace", "path": "/enabled", "value": str(on).lower()}],
        )
