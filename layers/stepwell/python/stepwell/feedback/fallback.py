"""A message that a provider took and could not deliver goes on to its next channel, also when its
journey has ended. It stays one message with one cap unit.

The MESSAGE item is marked in one conditional write: it is still sent, by this channel, under this
provider's id. Whoever wins that starts the fallback's execution, whose name is made of the message
and its failed channels; whoever comes again finds the mark and starts the same execution again,
which Step Functions answers as done. send_message, asked by it, finds the mark too and goes by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from stepwell.customers import keys
from stepwell.events.model import digest
from stepwell.feedback.notices import MessageNotice
from stepwell.feedback.tools import NoticeTooEarlyError, Tools
from stepwell.journeys.program import Message
from stepwell.messages.receipts import Fate, first_moment
from stepwell.messages.records import CLAIMED, RELEASED, failed_channels
from stepwell.messages.verdicts import Outcome
from stepwell.ports import Programs
from stepwell.storage.operations import (
    ConditionFailedError,
    Item,
    Key,
    StoreBusyError,
    Update,
    equals,
)
from stepwell.timestamps import from_text, to_text

MACHINE = "fallback"
"""The state machine's name, as journeys have theirs."""
LATEST = timedelta(days=3)
"""After the send. Carriers may take 72 hours to say that a text has not arrived."""
SETTLED_AFTER = timedelta(minutes=5)
"""How long after its claim a message may be without an answer; a crash left what is older."""
_TRIES = 20


def fall_back(key: Key, message: Item, notice: MessageNotice, tools: Tools, now: datetime) -> bool:
    """Whether the message goes on. Raises NoticeTooEarlyError when it is not recorded as sent yet,
    StoreBusyError, and what `executions` raises.
    """
    for _ in range(_TRIES):
        if notice.channel in failed_channels(message):
            if not _is_of(message, notice):
                return False
            _start(key, message, tools)
            return True
        if not _may(message, notice, tools.programs, now):
            return False
        try:
            message = tools.store.write(_mark(key, message, notice, now))
        except ConditionFailedError as error:
            if error.items[0] is None:
                return False
            message = error.items[0]
    raise StoreBusyError("a message changes faster than it can fall back")


def _may(message: Item, notice: MessageNotice, programs: Programs, now: datetime) -> bool:
    same_channel = message.get("channel") == notice.channel
    claimed_at = from_text(message["claimed_at"]) if "claimed_at" in message else now
    if message["status"] == CLAIMED and same_channel and now - claimed_at < SETTLED_AFTER:
        raise NoticeTooEarlyError(message["message"])
    if message["status"] != Outcome.SENT or not same_channel:
        return False
    if message.get("provider_id") != notice.provider_id or now - claimed_at > LATEST:
        return False
    if first_moment(message, Fate.OPENED, Fate.CLICKED) is not None:
        return False  # it did arrive
    step = programs.version(message["version"]).steps.get(message["step"])
    failed = (*failed_channels(message), notice.channel)
    return isinstance(step, Message) and any(each not in failed for each in step.channels)


def _mark(key: Key, message: Item, notice: MessageNotice, now: datetime) -> Update:
    failed = [*failed_channels(message), notice.channel]
    origins = {**message.get("failed_origins", {}), notice.channel: notice.provider_id}
    changes = {
        "status": RELEASED,
        "revision": message["revision"] + 1,
        "failed_channels": failed,
        "failed_origins": origins,
        "updated_at": to_text(now),
    }
    as_read = (equals("revision", message["revision"]), equals("status", str(Outcome.SENT)))
    return Update(key, changes, ("claimed_by",), as_read)


def _is_of(message: Item, notice: MessageNotice) -> bool:
    """Whether this notice, or one of the same send, left the mark."""
    return bool(message.get("failed_origins", {}).get(notice.channel) == notice.provider_id)


def _start(key: Key, message: Item, tools: Tools) -> None:
    customer = keys.customer_of(key.pk)
    name = f"{customer}-{digest(message['message'], *failed_channels(message))[:16]}"
    tools.executions.start(MACHINE, name, {"question": question(customer, message)})


def question(customer: str, message: Item) -> dict[str, Any]:
    """send_message's input: the next ask after the one that was answered."""
    names = ("enrollment", "run", "execution", "journey", "version", "step")
    return {
        "customer": customer,
        **{name: message[name] for name in names},
        "asked": message["answered"] + 1,
    }
