"""Physical names and ARNs of a stage.

They are stable, so that one stack can refer to what a later one makes: a journey's machine names
the functions that it calls and send_message without waiting for them, and stacks depend on each
other in one direction.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws

from infra.settings import Stage


@dataclass(frozen=True, slots=True)
class Names:
    """Names of everything that another stack, a setting or a person refers to."""

    stage: Stage

    def resource(self, name: str) -> str:
        return f"stepwell-{self.stage}-{name}"

    def tier(self, name: str) -> str:
        """A usage plan's name; `stepwell.aws.usage_plans` finds it by this."""
        return self.resource(f"tier-{name}")

    def function(self, folder: str) -> str:
        """From the folder's name: `frequency_cap` is `stepwell-<stage>-frequency-cap`."""
        return self.resource(folder.replace("_", "-"))

    def function_arn(self, folder: str) -> str:
        return _arn("lambda", f"function:{self.function(folder)}")

    def machine_arn(self, journey: str) -> str:
        return _arn("states", f"stateMachine:{self.resource(journey)}")

    def execution_arns(self, journey: str) -> str:
        """The pattern of all executions of one journey."""
        return _arn("states", f"execution:{self.resource(journey)}:*")

    def journey_arn_prefix(self) -> str:
        return self.machine_arn("")

    def execution_arn_prefix(self) -> str:
        return _arn("states", f"execution:{self.resource('')}")

    def hashing_key(self) -> str:
        """The secret's name. A name that ended in a hyphen and six characters could not be found
        by an ARN without Secrets Manager's own suffix: it would be taken for that suffix.
        """
        return self.resource("hashing-key")

    def inbox_key(self) -> str:
        """The secret's name; its end as with the hashing key."""
        return self.resource("inbox-key")

    def inbox_key_arn(self) -> str:
        return _arn("secretsmanager", f"secret:{self.inbox_key()}")

    def webhook_key(self) -> str:
        """The secret's name; its end as with the hashing key."""
        return self.resource("webhook-key")

    def webhook_key_arn(self) -> str:
        return _arn("secretsmanager", f"secret:{self.webhook_key()}")

    def hashing_key_arn(self) -> str:
        """The ARN without the random suffix: what the function asks for."""
        return _arn("secretsmanager", f"secret:{self.hashing_key()}")

    def journeys_role(self) -> str:
        """Roles are the account's, in all Regions, so that this one has the Region's name.

        Retained machines, and executions that began before a change, know their role by its ARN;
        Step Functions does not give a machine that is there already the role of a new stack.
        """
        return f"{self.resource('journeys')}-{Aws.REGION}"

    def legs_arns(self) -> str:
        """The pattern of the machines for later legs, of every journey and version."""
        return _arn("states", f"stateMachine:{self._any_legs()}")

    def legs_executions(self) -> str:
        return _arn("states", f"execution:{self._any_legs()}:*")

    def _any_legs(self) -> str:
        """`<journey>-<16 digits of the version>`; journeys have no hyphens in their names."""
        return self.resource("*-" + "?" * 16)

    def parked_group(self) -> str:
        """The group of the schedules that end parked waits."""
        return self.resource("parked")

    def parked_schedules(self) -> str:
        return _arn("scheduler", f"schedule/{self.parked_group()}/*")

    def alarms_role(self) -> str:
        """EventBridge Scheduler's; named like the journeys' role, and for the same reasons."""
        return f"{self.resource('parked')}-{Aws.REGION}"

    def alarms_role_arn(self) -> str:
        return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{self.alarms_role()}"

    def queue_arn(self, name: str) -> str:
        return _arn("sqs", self.resource(name))

    def programs_bucket(self) -> str:
        """All accounts of the world share the bucket names, so this one has the account's."""
        return f"{self.resource('programs')}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def archive_bucket(self) -> str:
        return f"{self.resource('archive')}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def archived_events(self) -> str:
        """The pattern of all archived events."""
        return f"arn:{Aws.PARTITION}:s3:::{self.archive_bucket()}/events/*"

    def quarantine_bucket(self) -> str:
        return f"{self.resource('quarantine')}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def quarantined_calls(self) -> str:
        """The pattern of all that ingest refused."""
        return f"arn:{Aws.PARTITION}:s3:::{self.quarantine_bucket()}/entries/*"

    def program_objects(self, folder: str) -> str:
        """The pattern of all objects below one folder of the bucket."""
        return f"arn:{Aws.PARTITION}:s3:::{self.programs_bucket()}/{folder}/*"

    def states_log_group(self, name: str) -> str:
        """`/aws/vendedlogs/` keeps the account's log resource policy from growing."""
        return f"/aws/vendedlogs/states/{self.resource(name)}"


SEND_MESSAGE = "send_message"
FALLBACK = "fallback"


def _arn(service: str, resource: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
