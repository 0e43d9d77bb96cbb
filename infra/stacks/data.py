"""What must never be lost: tables, archived and refused events, compiled programs, the hashes'
secret.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.names import Names
from infra.settings import Settings
from stepwell.storage.due import INDEX

_OVERWRITTEN_DAYS = 30
"""A batch that comes again writes the same object again; the older of the two is not needed."""

_CORRECTED_DAYS = 7
"""A correction that was corrected, or an entry whose time is over: personal, and of no more use."""


class DataStack(Stack):
    """Tables, buckets, secret and their key. Deployed first, and refers to no other stack."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, **options: Any) -> None:
        super().__init__(scope, id_, **options)
        self._keep = settings.keep_data
        self._names = Names(settings.stage)
        self.key = self._make_key()
        self.customers = self._make_table("customers")
        self._add_due_index()
        self.records = self._make_table("records")
        self.programs = self._make_bucket()
        self.archive = self._make_personal_bucket(
            "Archive",
            self._names.archive_bucket(),
            s3.LifecycleRule(
                id="Forget",
                expiration=Duration.days(settings.archive_days) if settings.archive_days else None,
                noncurrent_version_expiration=Duration.days(_OVERWRITTEN_DAYS),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            "Only the router writes, and no function reads it but the one that asks Comprehend "
            "where that is switched on; who else does is a matter for CloudTrail's "
            "data events, which an account turns on for all its buckets.",
        )
        self.quarantine = self._make_personal_bucket(
            "Quarantine",
            self._names.quarantine_bucket(),
            s3.LifecycleRule(
                id="Forget",
                expiration=Duration.days(settings.quarantine_days),
                noncurrent_version_expiration=Duration.days(_CORRECTED_DAYS),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            "Only ingest writes and no function reads it; who else does is a matter for "
            "CloudTrail's data events, which an account turns on for all its buckets.",
        )
        self.secret = self._make_secret(
            "HashingKey",
            self._names.hashing_key(),
            "Stepwell: key of the HMACs that stand for personal values",
            "The secret names identity items: with another one no customer would be found again. "
            "It is changed only by re-keying the table, never on a schedule.",
        )
        # Apart from the hashing key: backends know it, and it can be changed.
        self._make_secret(
            "InboxKey",
            self._names.inbox_key(),
            "Stepwell: key by which backends sign tokens for the in-app inbox",
            "Backends may keep a copy of it, and a change they do not hear of would lock their "
            "users out: it is changed by people, and the one before stays good for a while.",
        )

        # Made for every stage: one that came and went with the first webhook and the last could not
        # be made again while Secrets Manager keeps its name.
        self._make_secret(
            "WebhookKey",
            self._names.webhook_key(),
            "Stepwell: key of which the keys that sign webhooks are made",
            "Receivers keep what is made of it, and a change they do not hear of would make them "
            "refuse what is sent: it is changed by people, and the one before signs as well.",
        )

    @property
    def _removal(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self._keep else RemovalPolicy.DESTROY

    def _make_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{self._names.resource('data')}",
            description="Stepwell: customers, records, archived and refused events, alarms",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublishToTheEncryptedTopic",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="TwoWayNumbersPublishToTheEncryptedTopic",
                principals=[iam.ServicePrincipal("sms-voice.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        return key

    def _make_table(self, name: str) -> dynamodb.Table:
        table_name = self._names.resource(name)
        table = dynamodb.Table(
            self,
            name.capitalize(),
            table_name=table_name,
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            deletion_protection=self._keep,
            removal_policy=self._removal,
        )
        console = f"https://{Aws.REGION}.console.aws.amazon.com/dynamodbv2/home?region={Aws.REGION}"
        CfnOutput(
            self, f"Console{name.capitalize()}Table", value=f"{console}#table?name={table_name}"
        )
        return table

    def _add_due_index(self) -> None:
        """Who has a moment at which time alone can change a segment; nobody else is in it."""
        self.customers.add_global_secondary_index(
            index_name=INDEX,
            partition_key=dynamodb.Attribute(name="due_shard", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="due_at", type=dynamodb.AttributeType.STRING),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

    def _make_bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Programs",
            bucket_name=self._names.programs_bucket(),
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            removal_policy=self._removal,
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            "Only Stepwell's functions read it, it holds journey definitions and no personal "
            "data, and objects are named by their content; access logs would tell little.",
        )
        return bucket

    def _make_personal_bucket(
        self, id_: str, name: str, forget: s3.LifecycleRule, without_access_logs: str
    ) -> s3.Bucket:
        """What apps sent, encrypted with the stage's key and forgotten by a rule."""
        bucket = s3.Bucket(
            self,
            id_,
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[forget],
            removal_policy=self._removal,
        )
        acknowledge(bucket, "AwsSolutions-S1", without_access_logs)
        return bucket

    def _make_secret(
        self, id_: str, name: str, description: str, changed_by_hand: str
    ) -> secretsmanager.Secret:
        """`changed_by_hand` is why it is not changed on a schedule."""
        secret = secretsmanager.Secret(
            self,
            id_,
            secret_name=name,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=self._removal,
        )
        acknowledge(secret, "AwsSolutions-SMG4", changed_by_hand)
        return secret
