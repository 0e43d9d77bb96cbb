"""Provider notices from events/samples/feedback/, and whose message they are about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stepwell.customers.identities import identity_key
from stepwell.customers.identity_rules import PHONE
from stepwell.events.model import Event
from stepwell.feedback.notices import MessageNotice, Notice
from stepwell.feedback.reading import read_notice
from stepwell.feedback.taking import Taken, take
from stepwell.feedback.tools import Tools
from stepwell.messages.policies import Machines
from stepwell.messages.suppression import suppression_key
from stepwell.ports import Executions
from stepwell.storage.operations import Item, Put, Store
from tests.support.fakes import Crash, RecordedExecutions, plain_hasher
from tests.support.messages import CUSTOMER, EXECUTION, OneProgram, World

FOLDER = Path(__file__).parents[2] / "events" / "samples" / "feedback"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
MESSAGE = f"{EXECUTION}.suggest"
PHONE_NUMBER, EMAIL_ADDRESS = "+447700900123", "ada@example.com"
_CUSTOMER = "cada0000000000000000000001"


def sample(name: str, customer: str = CUSTOMER, message: str = MESSAGE, **changes: str) -> str:
    """The sample's text, about this message; `changes` replace further texts in it."""
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    sent = f"{_CUSTOMER}-0123456789abcdef-7"
    text = text.replace(f"{sent}--suggest", message.replace(".", "--"))
    text = text.replace(f"{sent}.suggest", message).replace(_CUSTOMER, customer)
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def with_id(text: str, provider_id: str) -> str:
    """The notice under another id of the provider for the message."""
    document = json.loads(text)
    detail = document["detail"]
    detail.get("mail", detail)["messageId"] = provider_id
    return json.dumps(document)


def notice(name: str, provider_id: str = "provider-1", **changes: str) -> Notice:
    """A sample as it is read, of the message that World's outboxes number so."""
    read = read_notice(sample(name, **changes), Machines())
    assert read is not None
    return replace(read, provider_id=provider_id) if isinstance(read, MessageNotice) else read


@dataclass
class RecordedQueue:
    """Keeps what was queued; a `Crash` may watch it."""

    crash: Crash = field(default_factory=lambda: Crash(0))
    events: list[Event] = field(default_factory=list)

    def send(self, events: Sequence[Event]) -> None:
        self.crash.watch(lambda: self.events.extend(events))

    def once(self) -> list[Event]:
        """Each event as the router applies it: once."""
        return list({each.fingerprint: each for each in self.events}.values())


@dataclass
class FeedbackWorld:
    """A message of `World`, and feedback that hears of it. Time is that of the world."""

    world: World = field(default_factory=World)
    queue: RecordedQueue = field(default_factory=RecordedQueue)
    executions: RecordedExecutions = field(default_factory=RecordedExecutions)

    def __post_init__(self) -> None:
        owner = {"customer": CUSTOMER}
        self.world.store.write(Put(identity_key(PHONE, PHONE_NUMBER, plain_hasher), owner))

    def tools(self, store: Store | None = None) -> Tools:
        executions: Executions = self.executions
        return Tools(
            store=store or self.world.store,
            queue=self.queue,
            executions=executions,
            programs=OneProgram(self.world.program),
            policies=self.world.policies,
            hasher=plain_hasher,
        )

    def hear(
        self, heard: Notice, *, store: Store | None = None, at: datetime | None = None
    ) -> Taken:
        return take(heard, self.tools(store), at or self.world.now)

    def message(self) -> Item:
        return self.world.message() or {}

    def suppression(self, channel: str, address: str) -> Item | None:
        return self.world.store.get(suppression_key(channel, address, plain_hasher))

    def events(self) -> list[str]:
        return [each.name for each in self.queue.once()]

    def questions(self) -> list[dict[str, Any]]:
        """What fallbacks ask, each once; by the execution's name, as Step Functions has it."""
        started = {name: state for _, name, state in self.executions.of("start")}
        return [state["question"] for state in started.values()]
