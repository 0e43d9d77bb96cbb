"""Provider notices in one form, whoever sent them and however they are written.

`stepwell.feedback.email`, `texts` and `whatsapp` read one provider each; `read_notice` chooses. A
notice keeps no text of the provider: reasons are words of ours, made of its codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stepwell.messages.receipts import Fate
from stepwell.values import value

_MESSAGE = re.compile(r"([A-Za-z0-9-]+?)(?:\.|--|_)([A-Za-z]\w*)")
"""A message's id is its execution and its step. A provider may take no dot in what it gives back,
and an execution has no underscore, so that the step is found again whatever stands between.
"""


class NoticeError(ValueError):
    """A notice of a kind that is known, but not written as its provider documents it."""


@value
class MessageNotice:
    """What a provider says about one message. `customer` and `message` are None where it has only
    its own id of the message (`told_by_id`), or the message is none of ours. `suppresses` is why
    the address takes no more messages, if so; `addresses` are those that the notice names.
    """

    id: str
    fate: Fate
    channel: str
    at: datetime
    provider_id: str
    customer: str | None
    message: str | None
    reason: str | None = None
    link: str | None = None
    by_machine: bool = False
    suppresses: str | None = None
    addresses: tuple[str, ...] = ()
    told_by_id: bool = False


@value
class InboundText:
    """A text that somebody wrote to one of our numbers. `keyword` as the provider matched it."""

    id: str
    number: str
    text: str
    keyword: str | None
    at: datetime


Notice = MessageNotice | InboundText


def message_of_tag(text: str | None) -> str | None:
    """The message's id from what a provider gives back of it."""
    found = _MESSAGE.fullmatch(text or "")
    return f"{found[1]}.{found[2]}" if found else None


def first_of(tags: Mapping[str, Any], name: str) -> str | None:
    """A tag's value; SES gives a list of one."""
    given = tags.get(name)
    if isinstance(given, list):
        given = given[0] if given else None
    return given if isinstance(given, str) and given else None
