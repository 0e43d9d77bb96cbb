"""The destinations of a stage, each told by what its target asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from stepwell.aws import clock
from stepwell.aws.clients import client
from stepwell.aws.destinations.connect import ConnectTeller
from stepwell.aws.destinations.event_bus import EventBusTeller
from stepwell.aws.destinations.webhook import WebhookTeller
from stepwell.aws.settings import Settings
from stepwell.aws.shared_keys import SharedKeys
from stepwell.handover.destinations import ConnectTask, Destination, EventBus
from stepwell.handover.telling import HandOver
from stepwell.handover.webhooks import key_of


class DestinationSettings(Settings):
    stage: str
    programs_bucket: str
    destinations_key: str
    webhook_key_arn: str
    webhooks_go_to: str = ""
    """The local stack's."""


@dataclass(frozen=True)
class StageDestinations:
    """Clients are made when they are first used: most stages have one kind of destination."""

    declared: Mapping[str, Destination]
    settings: DestinationSettings

    def tell(self, hand_over: HandOver) -> str:
        match hand_over.destination.target:
            case EventBus() as bus:
                return EventBusTeller(client("events", retries=False)).tell(bus, hand_over)
            case ConnectTask() as task:
                return ConnectTeller(client("connect", retries=False)).tell(task, hand_over)
            case webhook:
                return self._webhooks().tell(webhook, hand_over)

    def _webhooks(self) -> WebhookTeller:
        settings = self.settings
        keys = _webhook_keys(settings.webhook_key_arn)
        return WebhookTeller(settings.stage, keys, settings.webhooks_go_to)


@cache
def _webhook_keys(secret_arn: str) -> Callable[[str], list[bytes]]:
    shared = SharedKeys(client("secretsmanager"), secret_arn)
    return lambda name: [key_of(secret, name) for secret in shared.keys(clock.now())]
