"""The stacks, and what somebody has to do after a deployment."""

from __future__ import annotations

from botocore.exceptions import ClientError

from stepwell.aws.dynamodb import DynamoStore
from stepwell.aws.inspection.asking import ask, asking, find, pages
from stepwell.aws.inspection.scene import Scene
from stepwell.aws.usage_plans import UsagePlans
from stepwell.aws.write_key_register import WriteKeyRegister
from stepwell.readiness import deployment
from stepwell.readiness.findings import Finding

_PENDING = "PendingConfirmation"


def look_at_stacks(scene: Scene) -> Finding:
    statuses = {}
    for word in deployment.NAMES:
        name = scene.place.named(word)
        try:
            found = ask(scene.client("cloudformation").describe_stacks, StackName=name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":  # there is no such stack
                raise
            continue
        statuses.update({each["StackName"]: each["StackStatus"] for each in found})
    return deployment.check_stacks(scene.place, statuses)


def look_at_alarms(scene: Scene) -> Finding:
    sns = scene.client("sns")
    place = scene.place
    partition = sns.meta.partition
    topic = f"arn:{partition}:sns:{place.region}:{scene.account}:{place.named('alarms')}"
    if find(sns.get_topic_attributes, TopicArn=topic) is None:
        return deployment.check_alarms(topic, None)
    subscriptions = [
        deployment.Subscription(each["Endpoint"], each["SubscriptionArn"] != _PENDING)
        for each in pages(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    ]
    return deployment.check_alarms(topic, subscriptions)


def look_at_write_keys(scene: Scene) -> Finding:
    dynamodb = scene.client("dynamodb")
    store = DynamoStore(dynamodb, scene.customers)
    usage = UsagePlans(scene.client("apigateway"), scene.place.stage)
    with asking(dynamodb):
        keys = WriteKeyRegister(store, usage).list_all()
    live = [each.source for each in keys if not each.revoked_at]
    return deployment.check_write_keys(scene.place.stage, live)


def look_at_secret(scene: Scene) -> Finding:
    name = scene.place.named("hashing-key")
    found = find(scene.client("secretsmanager").describe_secret, SecretId=name)
    deleted = bool(found and found.get("DeletedDate"))
    return deployment.check_secret(name, exists=found is not None, deleted=deleted)
