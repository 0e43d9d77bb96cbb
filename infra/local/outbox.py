"""The last messages that providers took, as a page for those who write them."""

from __future__ import annotations

import threading
from collections import deque

from infra.local.moto_patches.providers import Taken

KEPT = 50


class Outbox:
    """Keeps the last messages, in the order in which they were taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Taken] = deque(maxlen=KEPT)

    def add(self, message: Taken) -> None:
        with self._lock:
            self._messages.append(message)

    def page(self) -> str:
        """Plain text, the newest message first."""
        with self._lock:
            messages = list(reversed(self._messages))
        if not messages:
            return "No message was sent yet.\n"
        head = f"What providers took, newest first, at most {KEPT} messages:"
        return "\n".join([head, *map(_described, messages)])


def _described(message: Taken) -> str:
    """`2010-12-01 13:02 UTC  sms  to +1…` and below it the content, indented.

    Of an email that has both parts the readable one is shown.
    """
    lines = [f"\n{message.at:%Y-%m-%d %H:%M} UTC  {message.channel}  to {message.address}"]
    for field, text in message.content.items():
        if field == "html" and "text" in message.content:
            continue
        label = "" if field in {"body", "text", "html"} else f"{field}: "
        lines += [f"    {line}" for line in f"{label}{text}".splitlines()]
    return "\n".join(lines) + "\n"
