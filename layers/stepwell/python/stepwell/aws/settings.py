"""Environment variables of a function, as one validated model each.

A function declares what it needs as a pydantic model whose fields are the variables' names in lower
case; `load` reads them when the first event comes, not at import.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from stepwell.events.registry import UnknownEvents


class SettingsError(Exception):
    """An environment variable is missing or wrong; the message names every one of them."""


class Settings(BaseModel):
    """Base of every function's settings."""

    model_config = ConfigDict(frozen=True)


class TableSettings(Settings):
    customers_table: str
    records_table: str = ""


class ProgramSettings(Settings):
    programs_bucket: str
    catalog_key: str = ""
    machine_versions_key: str = ""
    policies_key: str = ""


class ArchiveSettings(Settings):
    archive_bucket: str


class RegistrySettings(Settings):
    programs_bucket: str
    registry_key: str
    unknown_events: UnknownEvents = UnknownEvents.ACCEPT


class QuarantineSettings(Settings):
    quarantine_bucket: str


class HashSettings(Settings):
    hash_secret_arn: str


class ExecutionSettings(Settings):
    commands_queue_url: str = ""
    journey_arn_prefix: str
    execution_arn_prefix: str


class EventsQueueSettings(Settings):
    events_queue_url: str


class SentimentSettings(Settings):
    sentiment_queue_url: str = ""
    """Where it is asked how messages sound; empty: nobody is asked."""


class ComprehendSettings(Settings):
    comprehend_languages: str
    """Separated by spaces, the first being the one of texts of which nothing else is known."""


Model = TypeVar("Model", bound=Settings)


@cache
def load(model: type[Model]) -> Model:
    """The function's settings. Raises SettingsError naming what is missing."""
    values = {
        name: os.environ[name.upper()] for name in model.model_fields if name.upper() in os.environ
    }
    try:
        return model.model_validate(values)
    except ValidationError as error:
        names = ", ".join(sorted(str(each["loc"][0]).upper() for each in error.errors()))
        raise SettingsError(f"environment variables missing or wrong: {names}") from error
