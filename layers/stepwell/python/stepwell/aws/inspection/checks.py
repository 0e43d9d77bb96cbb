"""The list of checks, and what becomes of one that could not look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from stepwell.aws.inspection import capacity, deployment, email, pace, push, sms
from stepwell.aws.inspection.asking import DeniedError
from stepwell.aws.inspection.scene import Scene
from stepwell.readiness import capacity as capacity_rules
from stepwell.readiness import deployment as deployment_rules
from stepwell.readiness import email as email_rules
from stepwell.readiness import pace as pace_rules
from stepwell.readiness import push as push_rules
from stepwell.readiness import sms as sms_rules
from stepwell.readiness.findings import Finding, unknown
from stepwell.storage.operations import StoreBusyError


@dataclass(frozen=True, slots=True)
class Check:
    """`look` answers None where there is nothing to look at in this stage."""

    name: str
    look: Callable[[Scene], Finding | None]


CHECKS = (
    Check(deployment_rules.STACKS, deployment.look_at_stacks),
    Check(deployment_rules.SECRET, deployment.look_at_secret),
    Check(deployment_rules.WRITE_KEYS, deployment.look_at_write_keys),
    Check(deployment_rules.ALARMS, deployment.look_at_alarms),
    Check(email_rules.SENDER, email.look_at_sender),
    Check(email_rules.ACCOUNT, email.look_at_account),
    Check(email_rules.EVENTS, email.look_at_events),
    Check(email_rules.FOOTER, email.look_at_footer),
    Check(pace_rules.EMAIL, pace.look_at_email),
    Check(sms_rules.ACCOUNT, sms.look_at_account),
    Check(sms_rules.SPEND, sms.look_at_spend),
    Check(sms_rules.ORIGINATION, sms.look_at_origination),
    Check(pace_rules.SMS, pace.look_at_sms),
    Check(sms_rules.REPLIES, sms.look_at_replies),
    Check(sms_rules.RECEIPTS, sms.look_at_receipts),
    Check(sms_rules.ROOM, sms.look_at_room),
    Check(push_rules.APPLICATION, push.look_at_application),
    Check(push_rules.WHATSAPP, push.look_at_whatsapp),
    Check(capacity_rules.CONCURRENCY, capacity.look_at_concurrency),
    Check(capacity_rules.EXECUTIONS, capacity.look_at_executions),
    Check(capacity_rules.STARTS, capacity.look_at_starts),
    Check(capacity_rules.API, capacity.look_at_api),
)


FAILURES = (BotoCoreError, ClientError, ResponseParserError, StoreBusyError)
"""Whatever asking AWS may end in: an error, no way there, an answer that nobody can read."""
_LONGEST = 200


def _shown(error: Exception) -> str:
    """In one line; an answer of another machine on the way may be a whole page."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def inspect(scene: Scene) -> Iterator[Finding]:
    """In the order of the list; what one check fails on does not keep the others from looking."""
    for check in CHECKS:
        try:
            found = check.look(scene)
        except DeniedError as error:
            yield unknown(
                check.name,
                f"could not look: needs {error.action}",
                f"allow {error.action} (docs/doctor.md has the whole policy)",
            )
        except FAILURES as error:
            yield unknown(check.name, f"could not look: {_shown(error)}", "look again")
        else:
            if found is not None:
                yield found
