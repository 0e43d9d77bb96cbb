"""Functions and layers: settings they read, where they run, what is deployed with them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.constructs.function import ARCHITECTURE, RUNTIME
from infra.layers import PYTHON
from stepwell.aws.clients import CONNECT_SECONDS, READ_SECONDS
from tests.infrastructure.synthesized import Synthesized, definition, short, states

_BOTH_TABLES = {"CUSTOMERS_TABLE", "RECORDS_TABLE"}
_POLICIES = {"PROGRAMS_BUCKET", "POLICIES_KEY"}
_PREFIXES = {"JOURNEY_ARN_PREFIX", "EXECUTION_ARN_PREFIX"}
_PROVIDERS = {
    *("EMAIL_FROM", "EMAIL_CONFIGURATION_SET"),
    *("SMS_PROVIDER", "SMS_ORIGINATION", "SMS_CONFIGURATION_SET", "SMS_SENDER_ID"),
    *("PUSH_PROVIDER", "PUSH_APPLICATION_ID", "PUSH_APPLICATION_ARN"),
    *("WHATSAPP_NUMBER_ID", "LANES"),
    *("POSTAL_ADDRESS", "PUBLIC_URL"),
}

VARIABLES: Mapping[str, set[str]] = {
    "authorizer": {"CUSTOMERS_TABLE"},
    "ingest": {
        *("CUSTOMERS_TABLE", "EVENTS_QUEUE_URL"),
        *("PROGRAMS_BUCKET", "REGISTRY_KEY", "UNKNOWN_EVENTS", "QUARANTINE_BUCKET"),
    },
    "router": {
        *_BOTH_TABLES,
        *_PREFIXES,
        *_POLICIES,
        *("CATALOG_KEY", "MACHINE_VERSIONS_KEY"),
        *("HASH_SECRET_ARN", "COMMANDS_QUEUE_URL", "EVENTS_QUEUE_URL", "ARCHIVE_BUCKET"),
        "SENTIMENT_QUEUE_URL",
    },
    "commands": {*_BOTH_TABLES, *_POLICIES, "COMMANDS_QUEUE_URL", *_PREFIXES},
    "plan": {"CUSTOMERS_TABLE", *_POLICIES},
    "consent": {*_BOTH_TABLES, *_POLICIES, "HASH_SECRET_ARN"},
    "frequency-cap": {*_BOTH_TABLES, *_POLICIES},
    "delivery": {*_BOTH_TABLES, *_POLICIES, *_PROVIDERS, "HASH_SECRET_ARN"},
    "hand-over": {*_BOTH_TABLES, *_POLICIES, "DESTINATIONS_KEY", "WEBHOOK_KEY_ARN"},
    "inbox": {*_BOTH_TABLES, "EVENTS_QUEUE_URL", "HASH_SECRET_ARN", "INBOX_KEY_ARN"},
    "unsubscribe": {"CUSTOMERS_TABLE", "EVENTS_QUEUE_URL", "HASH_SECRET_ARN"},
    "feedback": {
        *_BOTH_TABLES,
        *_PREFIXES,
        *_POLICIES,
        *("HASH_SECRET_ARN", "EVENTS_QUEUE_URL"),
    },
    "quarantine-watch": {"QUARANTINE_BUCKET"},
    "sweep": {"CUSTOMERS_TABLE", "EVENTS_QUEUE_URL", "SWEEP_AT_MOST"},
    "admin": {*_BOTH_TABLES, *_POLICIES, "HASH_SECRET_ARN"},
}

_HERE = "<AWS::Region>:<AWS::AccountId>"
VALUES = {
    "STAGE": "local",
    "CUSTOMERS_TABLE": "stepwell-local-customers",
    "RECORDS_TABLE": "stepwell-local-records",
    "ARCHIVE_BUCKET": "stepwell-local-archive-<AWS::AccountId>-<AWS::Region>",
    "QUARANTINE_BUCKET": "stepwell-local-quarantine-<AWS::AccountId>-<AWS::Region>",
    "UNKNOWN_EVENTS": "accept",
    "PROGRAMS_BUCKET": "stepwell-local-programs-<AWS::AccountId>-<AWS::Region>",
    "HASH_SECRET_ARN": (
        f"arn:<AWS::Partition>:secretsmanager:{_HERE}:secret:stepwell-local-hashing-key"
    ),
    "INBOX_KEY_ARN": f"arn:<AWS::Partition>:secretsmanager:{_HERE}:secret:stepwell-local-inbox-key",
    "WEBHOOK_KEY_ARN": (
        f"arn:<AWS::Partition>:secretsmanager:{_HERE}:secret:stepwell-local-webhook-key"
    ),
    "EVENTS_QUEUE_URL": "EventsQueue",
    "SWEEP_AT_MOST": "30000",
    "SENTIMENT_QUEUE_URL": "",
    "COMMANDS_QUEUE_URL": "CommandsQueue",
    "JOURNEY_ARN_PREFIX": f"arn:<AWS::Partition>:states:{_HERE}:stateMachine:stepwell-local-",
    "EXECUTION_ARN_PREFIX": f"arn:<AWS::Partition>:states:{_HERE}:execution:stepwell-local-",
    "EMAIL_FROM": "shop@example.com",
    "POSTAL_ADDRESS": "Example Shop, 1 Example Street, London",
    "PUBLIC_URL": "https://HttpApi.execute-api.<AWS::Region>.<AWS::URLSuffix>/local",
    "EMAIL_CONFIGURATION_SET": "",
    "SMS_SENDER_ID": "Stepwell",
    "SMS_PROVIDER": "end_user_messaging",
    "SMS_ORIGINATION": "",
    "SMS_CONFIGURATION_SET": "",
    "PUSH_PROVIDER": "end_user_messaging",
    "PUSH_APPLICATION_ID": "0123456789abcdef0123456789abcdef",
    "PUSH_APPLICATION_ARN": "arn:aws:sns:us-east-1:123456789012:app/GCM/stepwell-local",
    "WHATSAPP_NUMBER_ID": "phone-number-id-0123456789abcdef0123456789abcdef",
    "LANES": "{}",
}


@pytest.mark.parametrize("name", VARIABLES)
def test_environment_is_exactly_what_the_function_reads(
    synthesized: Synthesized, name: str
) -> None:
    variables = synthesized.functions()[name]["Environment"]["Variables"]
    assert variables.keys() == {"STAGE", *VARIABLES[name]}
    for key, value in variables.items():
        if not key.endswith("_KEY"):
            assert short(value) == VALUES[key]


def test_environment_names_objects_by_their_content(synthesized: Synthesized) -> None:
    router = synthesized.functions()["router"]["Environment"]["Variables"]
    consent = synthesized.functions()["consent"]["Environment"]["Variables"]
    ingest = synthesized.functions()["ingest"]["Environment"]["Variables"]
    assert re.fullmatch(r"registries/[0-9a-f]+\.json", ingest["REGISTRY_KEY"])
    assert re.fullmatch(r"catalogs/[0-9a-f]+\.json", router["CATALOG_KEY"])
    hand_over = synthesized.functions()["hand-over"]["Environment"]["Variables"]
    assert re.fullmatch(r"destinations/[0-9a-f]+\.json", hand_over["DESTINATIONS_KEY"])
    assert re.fullmatch(r"machine-versions/[0-9a-f]+\.json", router["MACHINE_VERSIONS_KEY"])
    assert re.fullmatch(r"policies/[0-9a-f]+\.json", consent["POLICIES_KEY"])


def test_functions_run_alike(synthesized: Synthesized) -> None:
    assert synthesized.functions().keys() == VARIABLES.keys()
    for function in synthesized.functions().values():
        assert function["Runtime"] == RUNTIME.name
        assert function["Architectures"] == [ARCHITECTURE.name] == ["arm64"]
        assert function["Handler"] == "handler.handler"
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert len(function["Layers"]) == 2


def test_functions_log_into_groups_that_forget(synthesized: Synthesized) -> None:
    groups = synthesized.properties("AWS::Logs::LogGroup")
    assert all(each["RetentionInDays"] == 1 for each in groups)
    names = {short(each["LogGroupName"]) for each in groups}
    for function in synthesized.functions().values():
        assert f"/aws/lambda/{function['FunctionName']}" in names
        assert "LogGroup" in function["LoggingConfig"]


def test_timeouts_of_sending_are_nested(synthesized: Synthesized) -> None:
    """Provider call < function < its task < send_message; API functions < 29 s."""
    timeouts = {name: each["Timeout"] for name, each in synthesized.functions().items()}
    machine = definition(synthesized.machines()["send_message"])
    tasks = {
        json.dumps(state["Parameters"]["FunctionName"]): state["TimeoutSeconds"]
        for _, state in states(synthesized.machines()["send_message"])
        if state["Type"] == "Task"
    }
    for name in ("consent", "frequency-cap", "delivery"):
        (task,) = (seconds for arn, seconds in tasks.items() if f"-{name}" in arn)
        assert timeouts[name] < task < machine["TimeoutSeconds"] / 3
    assert timeouts["delivery"] > 2 * (CONNECT_SECONDS + READ_SECONDS)  # push makes two calls
    assert all(
        timeouts[name] < 29 for name in ("authorizer", "ingest", "admin", "unsubscribe", "inbox")
    )


def test_layers_are_for_the_functions_platform(synthesized: Synthesized) -> None:
    layers = synthesized.properties("AWS::Lambda::LayerVersion", "engine")
    assert len(layers) == 2
    for layer in layers:
        assert layer["CompatibleRuntimes"] == [RUNTIME.name] == [f"python{PYTHON}"]
        assert layer["CompatibleArchitectures"] == ["arm64"]


def test_layers_leave_design_time_out(synthesized: Synthesized) -> None:
    engine = _engine_layer(synthesized)
    assert (engine / "journeys" / "program.py").is_file()
    assert (engine / "aws" / "settings.py").is_file()
    for left_out in ("journeys/compiler", "cli", "simulation"):
        assert not (engine / left_out).exists()
    assert not list(engine.rglob("__pycache__"))
    assert not list(engine.parent.glob("*.egg-info"))


def _engine_layer(synthesized: Synthesized) -> Path:
    found = [
        synthesized.asset(layer["Content"]["S3Key"]) / "python" / "stepwell"
        for layer in synthesized.properties("AWS::Lambda::LayerVersion", "engine")
    ]
    [engine] = [folder for folder in found if folder.is_dir()]
    return engine
