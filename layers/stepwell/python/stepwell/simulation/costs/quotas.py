"""What an account may do at most, dated, each quota with its page. Reads `quotas.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

SHIPPED = "quotas.yaml"


class Quota(BaseModel):
    """`default` of `unit`; from AWS's `page`, or a `setting` of the stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    service: str
    default: Annotated[int, Field(ge=1)]
    unit: str = "a second"
    ask: str
    page: str = ""
    setting: str = ""
    confirmed: bool = True
    note: str = ""

    @model_validator(mode="after")
    def _says_its_source(self) -> Self:
        if bool(self.page) == bool(self.setting):
            raise ValueError("a quota has a page of AWS or is a setting of the stage")
        if not self.confirmed and not self.note:
            raise ValueError("an unconfirmed quota needs a `note` that says where it came from")
        return self


class QuotaTable(BaseModel):
    """`parking` matters only where long waits are parked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    region: str
    quotas: Mapping[str, Quota]
    parking: Mapping[str, Quota]


def read_quotas() -> QuotaTable:
    """The shipped table."""
    text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
    return QuotaTable.model_validate(YAML(typ="safe", pure=True).load(text))
