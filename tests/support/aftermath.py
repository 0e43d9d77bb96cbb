"""What a stage shows of its customers in the end: items, records, executions, what was sent.

It is told without ids, so that customers who were treated alike tell the same.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.sns.models import sns_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local.account import ACCOUNT, REGION
from stepwell.aws.attributes import from_attributes
from stepwell.customers import keys
from stepwell.storage.operations import Item
from tests.support.stage import PREFIX, Stage

Told = tuple[Any, ...]


@dataclass(frozen=True)
class Facts:
    """Of one person, under all the ids that they had."""

    applied: int
    """Events that have a marker."""
    enrollments: list[Told]
    """(journey, status, outcome, reason)"""
    finished: list[Told]
    """(journey, outcome, reason)"""
    conversions: list[Told]
    decisions: list[Told]
    """(step, channel, outcome, reason)"""
    messages: list[Told]
    """(step, status, maybe sent)"""
    units: list[Told]
    """(channel, state)"""
    executions: list[Told]
    """(journey, status, states)"""


class Aftermath:
    """A look at everything, once; `of` picks out one person."""

    def __init__(self, stage: Stage) -> None:
        self._partitions: dict[str, list[Item]] = defaultdict(list)
        # moto's own items: a Scan of it takes long, and ever longer.
        for table in ("customers", "records"):
            found: Any = dynamodb_backends[ACCOUNT][REGION].tables[PREFIX + table].items
            for partition in list(found.values()):
                for each in list(partition.values()):
                    item = from_attributes(each.to_json()["Attributes"])
                    self._partitions[item["pk"]].append(item)
        self._executions: dict[str, list[Any]] = defaultdict(list)
        self.running: list[str] = []
        machines: Any = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        for each in (each for machine in machines for each in machine.executions):
            self._executions[each.input_data["ids"]["customer"]].append(each)
            if str(each.exec_status.value) == "RUNNING":
                self.running.append(each.name)

    def of(self, *customers: str) -> Facts:
        """The person who has, or had, these ids."""
        items = [each for one in customers for each in self._partitions[keys.partition(one)]]
        units = [unit for each in _of(items, keys.CAPS) for unit in each["units"]]
        return Facts(
            applied=sum(
                item["customer"] in customers
                for pk, found in self._partitions.items()
                if pk.startswith("EVENT#")
                for item in found
            ),
            enrollments=_told(items, keys.ENROLLMENT_PREFIX, "journey status outcome reason"),
            finished=_told(items, keys.FINISHED_PREFIX, "journey outcome reason"),
            conversions=_told(items, keys.CONVERSION_PREFIX, "journey name"),
            decisions=_told(items, keys.DECISION_PREFIX, "step channel outcome reason"),
            messages=_told(items, keys.MESSAGE_PREFIX, "step status maybe_sent"),
            units=sorted((each["channel"], each["state"]) for each in units),
            executions=sorted(told_of(each) for one in customers for each in self._executions[one]),
        )


def told_of(execution: Any) -> Told:
    """(journey, status, states) of moto's own object: its API takes long to say the same."""
    history = execution.exec_worker.env.event_manager.get_event_history()
    details = (each.get("stateEnteredEventDetails") for each in history)
    states = tuple(each["name"] for each in details if each)
    return execution.state_machine.name, str(execution.exec_status.value), states


def _of(items: list[Item], prefix: str) -> list[Item]:
    return [each for each in items if each["sk"].startswith(prefix)]


def _told(items: list[Item], prefix: str, names: str) -> list[Told]:
    found = [tuple(each.get(name) for name in names.split()) for each in _of(items, prefix)]
    return sorted(found, key=repr)


def texts_to(phone: str) -> list[str]:
    """What SNS took for a phone."""
    taken = sns_backends[ACCOUNT][REGION].sms_messages.values()
    return [text for number, text in taken if number == phone]


def pushes_to(token: str) -> list[str]:
    """What SNS took for a device."""
    endpoints = sns_backends[ACCOUNT][REGION].platform_endpoints.values()
    return [text for each in endpoints if each.token == token for text in each.messages.values()]
