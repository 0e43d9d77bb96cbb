"""What a person sets up once in a real account: write key, sender address, push application."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from infra.local.functions import Function
from infra.local.replay import WRITE_KEY
from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.usage_plans import UsagePlans
from stepwell.aws.write_key_register import WriteKeyRegister
from stepwell.events.sources import ALL_TYPES
from stepwell.journeys.program import canonical, version_of


def setting(functions: Iterable[Function], name: str) -> str:
    """The value of an environment variable that any function has; empty when none has."""
    return next((each.environment[name] for each in functions if name in each.environment), "")


def add_write_key(
    functions: Iterable[Function], dynamodb: Any, apigateway: Any, now: datetime
) -> None:
    """The key `local` of a source of that name, as `stepwell write-keys add local` makes one."""
    functions = list(functions)
    table = setting(functions, "CUSTOMERS_TABLE")
    usage = UsagePlans(apigateway, setting(functions, "STAGE"))
    register = WriteKeyRegister(DynamoStore(dynamodb, table), usage, lambda: WRITE_KEY)
    register.add("local", ALL_TYPES, now)


def verify_sender(functions: Iterable[Function], ses: Any) -> None:
    address = setting(functions, "EMAIL_FROM")
    if address:
        ses.verify_domain_identity(Domain=address.partition("@")[2])
        ses.verify_email_identity(EmailAddress=address)


def add_push_application(functions: Iterable[Function], sns: Any) -> None:
    arn = setting(functions, "PUSH_APPLICATION_ARN")
    if arn:
        _, platform, name = arn.rpartition(":")[2].split("/")
        sns.create_platform_application(
            Name=name, Platform=platform, Attributes={"PlatformCredential": "local"}
        )


def put_policies(document: dict[str, Any], functions: Iterable[Function], s3: Any) -> str:
    """Put other policies beside the deployed ones, with what these declare of profiles; their
    key.
    """
    bucket, deployed = (setting(functions, each) for each in ("PROGRAMS_BUCKET", "POLICIES_KEY"))
    rules = json.loads(s3.get_object(Bucket=bucket, Key=deployed)["Body"].read())
    document = {**document, **({"profile": rules["profile"]} if "profile" in rules else {})}
    key = f"policies/{version_of(document)}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=canonical(document).encode())
    return key
