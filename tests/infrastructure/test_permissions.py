"""What each function and machine may do, written out. A new action or resource fails here first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.functions import FUNCTIONS
from tests.infrastructure.synthesized import Synthesized, listed, short, statements, states

Grants = dict[str, set[str]]

_PREFIX = "arn:<AWS::Partition>"
_HERE = "<AWS::Region>:<AWS::AccountId>"
_BUCKET = f"{_PREFIX}:s3:::stepwell-local-programs-<AWS::AccountId>-<AWS::Region>"
_ARCHIVE = f"{_PREFIX}:s3:::stepwell-local-archive-<AWS::AccountId>-<AWS::Region>"
_QUARANTINE = f"{_PREFIX}:s3:::stepwell-local-quarantine-<AWS::AccountId>-<AWS::Region>"
_SECRET = f"{_PREFIX}:secretsmanager:{_HERE}:secret:stepwell-local-hashing-key-??????"
_INBOX_KEY = f"{_PREFIX}:secretsmanager:{_HERE}:secret:stepwell-local-inbox-key-??????"
_JOURNEYS = ("cart_abandonment", "hesitation", "onboarding", "post_purchase", "win_back")
_MACHINES = {f"{_PREFIX}:states:{_HERE}:stateMachine:stepwell-local-{name}" for name in _JOURNEYS}

CUSTOMERS, RECORDS, KEY = {"Customers.Arn"}, {"Records.Arn"}, {"Key.Arn"}
BOTH = CUSTOMERS | RECORDS
READS_KEY: Grants = {"kms:Decrypt": KEY, "kms:DescribeKey": KEY}
WRITES_KEY: Grants = {**READS_KEY, "kms:Encrypt": KEY, "kms:GenerateDataKey": KEY}
TRACES: Grants = {"xray:PutTraceSegments": {"*"}, "xray:PutTelemetryRecords": {"*"}}
STEERS: Grants = {
    "states:StartExecution": _MACHINES,
    "states:SendTaskSuccess": _MACHINES,
    "states:StopExecution": {
        f"{_PREFIX}:states:{_HERE}:execution:stepwell-local-{name}:*" for name in _JOURNEYS
    },
}
PROGRAMS_AND_POLICIES: Grants = {"s3:GetObject": {f"{_BUCKET}/programs/*", f"{_BUCKET}/policies/*"}}


def consumes(queue: str) -> Grants:
    actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    return {f"sqs:{action}": {f"{queue}.Arn"} for action in actions}


EXPECTED: Mapping[str, Grants] = {
    "authorizer": {**READS_KEY, "dynamodb:GetItem": CUSTOMERS},
    "ingest": {
        **READS_KEY,
        "dynamodb:GetItem": CUSTOMERS,
        "kms:GenerateDataKey": KEY,
        "s3:GetObject": {f"{_BUCKET}/registries/*"},
        "s3:PutObject": {f"{_QUARANTINE}/entries/*"},
        "sqs:SendMessage": {"EventsQueue.Arn"},
    },
    "router": {
        **WRITES_KEY,
        **STEERS,
        **consumes("EventsQueue"),
        "dynamodb:BatchGetItem": CUSTOMERS,
        "dynamodb:Query": CUSTOMERS,
        "dynamodb:PutItem": BOTH,
        "dynamodb:UpdateItem": CUSTOMERS,
        "s3:GetObject": {
            f"{_BUCKET}/programs/*",
            f"{_BUCKET}/policies/*",
            f"{_BUCKET}/catalogs/*",
            f"{_BUCKET}/machine-versions/*",
        },
        "s3:PutObject": {f"{_ARCHIVE}/events/*"},
        "secretsmanager:GetSecretValue": {_SECRET},
        "sqs:SendMessage": {"CommandsQueue.Arn", "EventsQueue.Arn"},
    },
    "commands": {
        **WRITES_KEY,
        **STEERS,
        **consumes("CommandsQueue"),
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:Query": RECORDS,
        "dynamodb:UpdateItem": BOTH,
        "dynamodb:PutItem": BOTH,
        "s3:GetObject": {f"{_BUCKET}/policies/*"},
        "sqs:SendMessage": {"CommandsQueue.Arn"},
    },
    "plan": {**READS_KEY, **PROGRAMS_AND_POLICIES, "dynamodb:Query": CUSTOMERS},
    "consent": {
        **WRITES_KEY,
        **PROGRAMS_AND_POLICIES,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:BatchGetItem": BOTH,
        "dynamodb:PutItem": BOTH,
        "dynamodb:UpdateItem": RECORDS,
        "secretsmanager:GetSecretValue": {_SECRET},
    },
    "frequency-cap": {
        **WRITES_KEY,
        **PROGRAMS_AND_POLICIES,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:PutItem": BOTH,
        "dynamodb:UpdateItem": RECORDS,
    },
    "delivery": {
        **WRITES_KEY,
        **PROGRAMS_AND_POLICIES,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:BatchGetItem": BOTH,
        "dynamodb:PutItem": BOTH,
        "dynamodb:UpdateItem": BOTH,
        "dynamodb:ConditionCheckItem": CUSTOMERS,
        "ses:SendEmail": {
            f"{_PREFIX}:ses:{_HERE}:identity/example.com",
            f"{_PREFIX}:ses:{_HERE}:identity/shop@example.com",
        },
        "secretsmanager:GetSecretValue": {_SECRET},
        "sms-voice:SendTextMessage": {
            f"{_PREFIX}:sms-voice:{_HERE}:{sender}/*"
            for sender in ("pool", "phone-number", "sender-id")
        },
        "mobiletargeting:SendMessages": {
            f"{_PREFIX}:mobiletargeting:{_HERE}:apps/{'0123456789abcdef' * 2}/messages"
        },
        "social-messaging:SendWhatsAppMessage": {
            f"{_PREFIX}:social-messaging:{_HERE}:phone-number-id/{'0123456789abcdef' * 2}"
        },
    },
    "hand-over": {
        **WRITES_KEY,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:BatchGetItem": BOTH,
        "dynamodb:UpdateItem": CUSTOMERS,
        "dynamodb:ConditionCheckItem": CUSTOMERS,
        "dynamodb:PutItem": RECORDS,
        "s3:GetObject": {
            f"{_BUCKET}/programs/*",
            f"{_BUCKET}/policies/*",
            f"{_BUCKET}/destinations/*",
        },
    },
    "inbox": {
        **WRITES_KEY,
        "dynamodb:GetItem": BOTH,
        "dynamodb:BatchGetItem": RECORDS,
        "dynamodb:Query": RECORDS,
        "dynamodb:UpdateItem": RECORDS,
        "secretsmanager:GetSecretValue": {_SECRET, _INBOX_KEY},
        "sqs:SendMessage": {"EventsQueue.Arn"},
    },
    "unsubscribe": {
        **WRITES_KEY,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:UpdateItem": CUSTOMERS,
        "secretsmanager:GetSecretValue": {_SECRET},
        "sqs:SendMessage": {"EventsQueue.Arn"},
    },
    "feedback": {
        **WRITES_KEY,
        **PROGRAMS_AND_POLICIES,
        **consumes("FeedbackQueue"),
        "dynamodb:GetItem": BOTH,
        "dynamodb:Query": CUSTOMERS,
        "dynamodb:UpdateItem": BOTH,
        "secretsmanager:GetSecretValue": {_SECRET},
        "sqs:SendMessage": {"EventsQueue.Arn"},
        "states:StartExecution": {f"{_PREFIX}:states:{_HERE}:stateMachine:stepwell-local-fallback"},
    },
    "quarantine-watch": {"s3:ListBucket": {"Quarantine.Arn"}},
    "sweep": {
        **READS_KEY,
        "dynamodb:Query": {"Customers.Arn/index/due"},
        "sqs:SendMessage": {"EventsQueue.Arn"},
        "sqs:GetQueueAttributes": {"EventsQueue.Arn"},
    },
    "admin": {
        **READS_KEY,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:BatchGetItem": CUSTOMERS,
        "dynamodb:Query": BOTH,
        "dynamodb:Scan": CUSTOMERS,
        "s3:GetObject": {f"{_BUCKET}/policies/*"},
        "secretsmanager:GetSecretValue": {_SECRET},
    },
}

LOG_DELIVERY: Grants = {
    f"logs:{action}": {"*"}
    for action in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery"),
        *("ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies"),
        "DescribeLogGroups",
    )
}
SAMPLES: Grants = {
    **TRACES,
    "xray:GetSamplingRules": {"*"},
    "xray:GetSamplingTargets": {"*"},
}


def function_arns(*names: str) -> set[str]:
    return {f"{_PREFIX}:lambda:{_HERE}:function:stepwell-local-{name}" for name in names}


def granted(role: Mapping[str, object]) -> Grants:
    """Resources by action. What all but some resources are allowed is marked `not`."""
    found: Grants = {}
    for statement in statements(role):
        assert statement["Effect"] == "Allow"
        resources = {short(each) for each in listed(statement.get("Resource", []))}
        resources |= {f"not {short(each)}" for each in listed(statement.get("NotResource", []))}
        for action in listed(statement["Action"]):
            found.setdefault(action, set()).update(resources)
    return found


def test_permissions_every_function_is_listed(synthesized: Synthesized) -> None:
    assert synthesized.functions().keys() == EXPECTED.keys()
    assert len(FUNCTIONS) == len(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_permissions_of_a_function_are_exactly_these(synthesized: Synthesized, name: str) -> None:
    found = granted(synthesized.role(synthesized.functions()[name]["Role"]))
    logs = {f"logs:{action}": found.pop(f"logs:{action}") for action in _LOG_ACTIONS}
    assert found == {**EXPECTED[name], **TRACES}
    own = "".join(word.capitalize() for word in name.split("-"))
    assert set().union(*logs.values()) == {f"{own}Logs.Arn"}


_LOG_ACTIONS = ("CreateLogStream", "PutLogEvents")


def test_permissions_of_the_journeys_role_are_exactly_these(synthesized: Synthesized) -> None:
    found = granted(synthesized.role(synthesized.machines()["onboarding"]["RoleArn"]))
    assert found == {
        **WRITES_KEY,
        **LOG_DELIVERY,
        **SAMPLES,
        "dynamodb:GetItem": CUSTOMERS,
        "dynamodb:UpdateItem": CUSTOMERS,
        "dynamodb:PutItem": RECORDS,
        "lambda:InvokeFunction": function_arns("plan", "hand-over"),
        "states:StartSyncExecution": {
            f"{_PREFIX}:states:{_HERE}:stateMachine:stepwell-local-send_message"
        },
    }


def test_permissions_of_send_message_are_exactly_these(synthesized: Synthesized) -> None:
    found = granted(synthesized.role(synthesized.machines()["send_message"]["RoleArn"]))
    assert found == {
        **LOG_DELIVERY,
        **SAMPLES,
        "lambda:InvokeFunction": function_arns("consent", "frequency-cap", "delivery"),
    }


def test_permissions_of_fallback_are_exactly_these(synthesized: Synthesized) -> None:
    found = granted(synthesized.role(synthesized.machines()["fallback"]["RoleArn"]))
    assert found == {
        **LOG_DELIVERY,
        **SAMPLES,
        "states:StartSyncExecution": {
            f"{_PREFIX}:states:{_HERE}:stateMachine:stepwell-local-send_message"
        },
    }


def test_permissions_roles_are_not_shared_among_functions(synthesized: Synthesized) -> None:
    roles = [str(function["Role"]) for function in synthesized.functions().values()]
    assert len(set(roles)) == len(roles)


def test_permissions_come_from_the_roles_alone(synthesized: Synthesized) -> None:
    """No policy is attached from elsewhere; the exception is CDK's own deployment of the bundle."""
    assert synthesized.properties("AWS::IAM::Policy", "engine") == []
    assert synthesized.properties("AWS::IAM::ManagedPolicy") == []
    deployers = [each for each, _ in synthesized.of_type("AWS::IAM::Policy")]
    assert all(each.startswith("CustomCDKBucketDeployment") for each in deployers)
    assert len(deployers) == 1


def test_permissions_the_key_is_used_through_the_tables_and_by_two_through_their_buckets(
    synthesized: Synthesized,
) -> None:
    for name, function in synthesized.functions().items():
        for statement in statements(synthesized.role(function["Role"])):
            if any(action.startswith("kms:") for action in listed(statement["Action"])):
                [via] = statement["Condition"]["StringEquals"].items()
                puts = name in ("router", "ingest") and statement["Action"] == "kms:GenerateDataKey"
                service = "s3" if puts else "dynamodb"
                assert (via[0], short(via[1])) == (
                    "kms:ViaService",
                    f"{service}.<AWS::Region>.amazonaws.com",
                )


def test_permissions_fit_into_a_role(synthesized: Synthesized) -> None:
    """IAM takes 10,240 characters of inline policies a role; the router's grows with journeys."""
    for function in synthesized.functions().values():
        role = synthesized.role(function["Role"])
        text = "".join(
            "".join(listed(each["Action"]))
            + "".join(short(resource) for resource in listed(each.get("Resource", [])))
            for each in statements(role)
        )
        assert len(text) < 8_000


_CALLS = {
    "aws-sdk:dynamodb:getItem": ("dynamodb:GetItem", "TableName"),
    "aws-sdk:dynamodb:putItem": ("dynamodb:PutItem", "TableName"),
    "aws-sdk:dynamodb:updateItem": ("dynamodb:UpdateItem", "TableName"),
    "aws-sdk:sfn:startSyncExecution": ("states:StartSyncExecution", "StateMachineArn"),
    "lambda:invoke": ("lambda:InvokeFunction", "FunctionName"),
}
"""What a task's integration asks of its machine's role, and the parameter that says on what."""
_TABLES = {"stepwell-local-customers": "Customers.Arn", "stepwell-local-records": "Records.Arn"}


def _needed(task: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Actions and their resources; a transaction's are those of its items."""
    parameters = task["Parameters"]
    kind = task["Resource"].removeprefix("arn:aws:states:::").removesuffix(".waitForTaskToken")
    if kind == "aws-sdk:dynamodb:transactWriteItems":
        return {
            (f"dynamodb:{action}Item", _TABLES[write["TableName"]])
            for item in parameters["TransactItems"]
            for action, write in item.items()
        }
    action, target = _CALLS[kind]
    return {(action, _TABLES.get(parameters[target], parameters[target]))}


def test_permissions_of_machines_cover_their_tasks_and_no_more(synthesized: Synthesized) -> None:
    allowed: dict[str, set[tuple[str, str]]] = {}
    needed: dict[str, set[tuple[str, str]]] = {}
    for machine in synthesized.machines().values():
        role = str(machine["RoleArn"])
        allowed[role] = {
            (action, resource)
            for action, resources in granted(synthesized.role(machine["RoleArn"])).items()
            for resource in resources
            if action not in OF_EVERY_MACHINE
        }
        for _, state in states(machine):
            if state["Type"] == "Task":
                needed[role] = needed.get(role, set()) | _needed(state)
    [journeys] = {str(synthesized.machines()[name]["RoleArn"]) for name in _JOURNEYS}
    # No shipped journey hands over; those that run may be of an earlier version that did.
    needed[journeys] |= {("lambda:InvokeFunction", arn) for arn in function_arns("hand-over")}
    assert needed == allowed


OF_EVERY_MACHINE = LOG_DELIVERY.keys() | SAMPLES.keys() | WRITES_KEY.keys()
