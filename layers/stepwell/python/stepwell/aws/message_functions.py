"""What functions share, those of send_message and others: settings, store, programs, policies and
hashes.
"""

from __future__ import annotations

from functools import cache

from stepwell.aws.clients import client
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.hasher import SecretHasher
from stepwell.aws.programs import BucketPrograms, read_text
from stepwell.aws.settings import HashSettings, ProgramSettings, TableSettings, load
from stepwell.messages.policies import Policies, load_policies


class MessageSettings(TableSettings, ProgramSettings):
    """Both tables, and the bucket with programs and policies."""


@cache
def store() -> DynamoStore:
    settings = load(MessageSettings)
    return DynamoStore(client("dynamodb"), settings.customers_table, settings.records_table)


@cache
def hasher() -> SecretHasher:
    """For consent and delivery, which look addresses up."""
    return SecretHasher(client("secretsmanager"), load(HashSettings).hash_secret_arn)


@cache
def programs() -> BucketPrograms:
    return BucketPrograms(client("s3"), load(MessageSettings).programs_bucket)


@cache
def policies() -> Policies:
    """As they are now: the function's environment names them, not the execution that asks."""
    settings = load(MessageSettings)
    return load_policies(read_text(client("s3"), settings.programs_bucket, settings.policies_key))
