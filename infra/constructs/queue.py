"""A queue, its dead-letter queue, and the alarms on both."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.alarm import Alarms

VISIBILITY_TIMES_TIMEOUT = 6
"""AWS's advice: room for the retries of a throttled function before a message is shown again."""
ATTEMPTS = 4
LONGEST_WAIT = Duration.minutes(10)


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
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, id_)
        self._name = name.removeprefix(alarms.prefix)
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

    def _alarm_on_dead_letters(self, alarms: Alarms) -> None:
        alarms.add(
            self,
            "DeadLettersAlarm",
            name=f"{self._name}-dlq",
            says=f"A message of the queue {self._name} failed {ATTEMPTS} times",
            page="dead-letters",
            metric=self.dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="Maximum"
            ),
            at_least=1,
        )

    def _alarm_on_age(self, alarms: Alarms) -> None:
        alarms.add(
            self,
            "AgeAlarm",
            name=f"{self._name}-age",
            says=f"Messages of the queue {self._name} wait longer than ten minutes",
            page="queue-age",
            metric=self.queue.metric_approximate_age_of_oldest_message(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            at_least=LONGEST_WAIT.to_seconds(),
            periods=(2, 2),
        )
