"""A stage that is ready to send, as moto and the answers for what moto lacks have it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3

from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.usage_plans import UsagePlans
from stepwell.aws.write_key_register import WriteKeyRegister
from stepwell.events.sources import ALL_TYPES
from stepwell.readiness.deployment import NAMES
from tests.support.aws_answers import AnsweringClients

REGION = "eu-west-1"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PREFIX = "stepwell-prod-"
SENDER = "news@shop.test"
NUMBER = "+15550100"
BY_SNS = {
    "EMAIL_FROM": SENDER,
    "EMAIL_CONFIGURATION_SET": "main",
    "SMS_SENDER_ID": "SHOP",
    "POSTAL_ADDRESS": "Silk & Co, 2 High Street, London",
    "PUBLIC_URL": "https://events.shop.test",
    "LANES": json.dumps({"sms": {"per_second": 3}, "email": {"per_second": 14}}),
}
BY_END_USER_MESSAGING = {
    **BY_SNS,
    "SMS_PROVIDER": "end_user_messaging",
    "SMS_ORIGINATION": NUMBER,
    "SMS_CONFIGURATION_SET": "texts",
    "PUSH_PROVIDER": "end_user_messaging",
    "PUSH_APPLICATION_ID": "a1b2",
    "WHATSAPP_NUMBER_ID": "phone-number-id-0123456789abcdef0123456789abcdef",
}
IN_MOTO = frozenset({"apigateway", "cloudformation", "dynamodb", "lambda", "secretsmanager", "sns"})
_QUOTAS = {
    "Open executions": 1_000_000.0,
    "StartExecution throttle token bucket size": 1_300.0,
    "StartExecution throttle token refill rate per second": 300.0,
}
_ARN = "arn:aws:sms-voice:eu-west-1:123456789012"
_VOICE = "pinpoint-sms-voice-v2"


def make_stage(clients: AnsweringClients, environment: dict[str, str]) -> None:
    """In moto. `environment` is the delivery function's."""
    _make_stacks(clients("cloudformation"))
    _make_functions(clients, environment)
    clients("secretsmanager").create_secret(Name=f"{PREFIX}hashing-key", SecretString="x")
    topic = clients("sns").create_topic(Name=f"{PREFIX}alarms")["TopicArn"]
    clients("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@shop.test")
    _make_api(clients("apigateway"))
    _make_write_key(clients)


def _make_stacks(cloudformation: Any) -> None:
    template = json.dumps({"Resources": {"Any": {"Type": "AWS::SQS::Queue", "Properties": {}}}})
    for name in NAMES:
        cloudformation.create_stack(StackName=f"{PREFIX}{name}", TemplateBody=template)


def _make_functions(clients: AnsweringClients, environment: dict[str, str]) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam = boto3.client("iam", region_name=REGION)
    role = iam.create_role(RoleName="any", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sqs = boto3.client("sqs", region_name=REGION)
    variables = {"CUSTOMERS_TABLE": f"{PREFIX}customers", **environment}
    for name in ("delivery", "router", "commands"):
        clients("lambda").create_function(
            FunctionName=PREFIX + name,
            Runtime="python3.13",
            Handler="handler.handler",
            Role=role,
            Code={"ZipFile": b"nothing"},
            Environment={"Variables": variables if name == "delivery" else {}},
        )
    clients("lambda").create_function(
        FunctionName="another-function",
        Runtime="python3.13",
        Handler="handler.handler",
        Role=role,
        Code={"ZipFile": b"nothing"},
    )
    for function, concurrency in (
        (f"{PREFIX}router", 50),
        (f"{PREFIX}commands", 5),
        ("another-function", 900),
    ):
        url = sqs.create_queue(QueueName=function)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        clients("lambda").create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=arn["Attributes"]["QueueArn"],
            ScalingConfig={"MaximumConcurrency": concurrency},
        )


def _make_api(gateway: Any) -> None:
    api = gateway.create_rest_api(name=f"{PREFIX}api")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="prod")
    rate = {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "2000"}
    gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[rate])


def _make_write_key(clients: AnsweringClients) -> None:
    dynamodb, gateway = clients("dynamodb"), clients("apigateway")
    dynamodb.create_table(
        TableName=f"{PREFIX}customers",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    gateway.create_usage_plan(name=f"{PREFIX}tier-standard")
    usage = UsagePlans(gateway, "prod")
    register = WriteKeyRegister(DynamoStore(dynamodb, f"{PREFIX}customers"), usage)
    register.add("shop", ALL_TYPES, NOW)


def answers() -> dict[tuple[str, str], Any]:
    """For all that moto lacks: production, limits raised, everything registered and switched on."""
    return {**_email(), **_texts(), **_push(), **_quotas()}


def _email() -> dict[tuple[str, str], Any]:
    kinds = ["BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK"]
    destination = {
        "Name": "bus",
        "Enabled": True,
        "MatchingEventTypes": kinds,
        "EventBridgeDestination": {"EventBusArn": "arn:aws:events:eu-west-1:1:event-bus/default"},
    }
    return {
        ("sesv2", "GetEmailIdentity"): {
            "VerifiedForSendingStatus": True,
            "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS"},
        },
        ("sesv2", "GetAccount"): {
            "ProductionAccessEnabled": True,
            "SendingEnabled": True,
            "EnforcementStatus": "HEALTHY",
            "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0},
        },
        ("sesv2", "GetConfigurationSet"): {
            "ConfigurationSetName": "main",
            "SendingOptions": {"SendingEnabled": True},
        },
        ("sesv2", "GetConfigurationSetEventDestinations"): {"EventDestinations": [destination]},
    }


def _texts() -> dict[tuple[str, str], Any]:
    number = {
        "PhoneNumberArn": f"{_ARN}:phone-number/phone-1",
        "PhoneNumberId": "phone-1",
        "PhoneNumber": NUMBER,
        "Status": "ACTIVE",
        "IsoCountryCode": "US",
        "MessageType": "PROMOTIONAL",
        "NumberCapabilities": ["SMS"],
        "NumberType": "TOLL_FREE",
        "MonthlyLeasingPrice": "2.00",
        "TwoWayEnabled": True,
        "SelfManagedOptOutsEnabled": True,
        "OptOutListName": "Default",
        "DeletionProtectionEnabled": False,
        "MessagingLimits": {"RateLimits": {"SMS": 3}},
        "CreatedTimestamp": NOW,
    }
    limit = {
        "Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",
        "EnforcedLimit": 500,
        "MaxLimit": 500,
        "Overridden": True,
    }
    counts = [{"Name": "PHONE_NUMBERS", "Used": 1, "Max": 25}]
    texts = {
        "ConfigurationSetArn": f"{_ARN}:configuration-set/texts",
        "ConfigurationSetName": "texts",
        "EventDestinations": [],
        "CreatedTimestamp": NOW,
    }
    by_sns = {"PhoneNumber": NUMBER, "NumberCapabilities": ["SMS"], "Status": "Active"}
    tier = {"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}
    return {
        ("sns", "GetSMSSandboxAccountStatus"): {"IsInSandbox": False},
        ("sns", "GetSMSAttributes"): {"attributes": {"MonthlySpendLimit": "500"}},
        ("sns", "ListOriginationNumbers"): {"PhoneNumbers": [by_sns]},
        (_VOICE, "DescribeAccountAttributes"): {"AccountAttributes": [tier]},
        (_VOICE, "DescribeSpendLimits"): {"SpendLimits": [limit]},
        (_VOICE, "DescribeAccountLimits"): {"AccountLimits": counts},
        (_VOICE, "DescribePhoneNumbers"): {"PhoneNumbers": [number]},
        (_VOICE, "DescribeSenderIds"): {"SenderIds": []},
        (_VOICE, "DescribePools"): {"Pools": []},
        (_VOICE, "DescribeConfigurationSets"): {"ConfigurationSets": [texts]},
    }


def _push() -> dict[tuple[str, str], Any]:
    application = {"Arn": "arn:app", "Id": "a1b2", "Name": "shop"}
    channel = {"ApplicationId": "a1b2", "Enabled": True, "HasCredential": True, "IsArchived": False}
    number = {
        "arn": "arn:aws:social-messaging:eu-west-1:1:phone-number-id/1",
        "phoneNumber": NUMBER,
        "phoneNumberId": BY_END_USER_MESSAGING["WHATSAPP_NUMBER_ID"],
        "metaPhoneNumberId": "1",
        "displayPhoneNumberName": "Shop",
        "displayPhoneNumber": NUMBER,
        "qualityRating": "GREEN",
    }
    return {
        ("pinpoint", "GetApp"): {"ApplicationResponse": application},
        ("pinpoint", "GetApnsChannel"): {"APNSChannelResponse": {**channel, "Platform": "APNS"}},
        ("pinpoint", "GetGcmChannel"): {"GCMChannelResponse": {**channel, "Platform": "GCM"}},
        ("socialmessaging", "GetLinkedWhatsAppBusinessAccountPhoneNumber"): {"phoneNumber": number},
    }


def _quotas() -> dict[tuple[str, str], Any]:
    listed = [{"QuotaName": name, "Value": value} for name, value in _QUOTAS.items()]
    limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    return {
        ("lambda", "GetAccountSettings"): {"AccountLimit": limit},
        ("service-quotas", "ListServiceQuotas"): {"Quotas": listed},
        ("service-quotas", "ListAWSDefaultServiceQuotas"): {"Quotas": listed},
    }
