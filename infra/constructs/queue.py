"""A queue, its dead-letter queue, and the alarms on both. To redrive: docs/dead-letters.md."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

VISIBILITY_TIMES_TIMEOUT = 6
"""AWS's advice: room for the retries of a throttled function before a message is shown again."""
ATTEMPTS = 4
DOCS = "docs/dead-letters.md says how to look and how to redrive."


class WorkQueue(Construct):
    """`queue`, worked off by one function; what fails four times lands in `dead_letters`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        fifo: bool,
        worker_timeout: Duration,
        alarms: sns.ITopic,
    ) -> None:
        super().__init__(scope, id_)
        self._name = name
        self._fifo = fifo
        self.dead_letters = self._make_queue(
            "DeadLetters", f"{name}-dlq", retention=Duration.days(14)
        )
        self.queue = self._make_queue(
            "Queue",
            name,
            retention=Duration.days(4),
            visibility_timeout=Duration.seconds(
                VISIBILITY_TIMES_TIMEOUT * worker_timeout.to_seconds()
            ),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=ATTEMPTS
            ),
        )
        self._alarm_on_dead_letters(alarms)
        self._alarm_on_age(alarms)

    def _make_queue(
        self,
        id_: str,
        name: str,
        *,
        retention: Duration,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id_,
            queue_name=f"{name}.fifo" if self._fifo else name,
            fifo=True if self._fifo else None,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if self._fifo else None,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID
            if self._fifo
            else None,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=retention,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
        )

    def work_off_with(
        self, function: lambda_.Function, *, batch_size: int, concurrency: int
    ) -> None:
        """Let the function take batches and report which messages of one failed."""
        function.add_event_source_mapping(
            "Works",
            event_source_arn=self.queue.queue_arn,
            batch_size=batch_size,
            max_concurrency=concurrency,
            report_batch_item_failures=True,
        )

    def _alarm_on_dead_letters(self, alarms: sns.ITopic) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "DeadLettersAlarm",
            alarm_name=f"{self._name}-dlq",
            alarm_description=f"A message failed {ATTEMPTS} times: {self._name}-dlq. {DOCS}",
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(alarms))

    def _alarm_on_age(self, alarms: sns.ITopic) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "AgeAlarm",
            alarm_name=f"{self._name}-age",
            alarm_description=f"Messages of {self._name} wait longer than ten minutes. {DOCS}",
            metric=self.queue.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            threshold=600,
            evaluation_periods=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(alarms))
