"""The in-app inbox as a provider: it writes the message where `GET /v1/inbox` finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from stepwell.messages.inbox import BadLinkError, put_in
from stepwell.ports import ErrorKind, Outgoing, ProviderError
from stepwell.storage.operations import Store, StoreBusyError


@dataclass(frozen=True)
class Inbox:
    """Content fields: `title`, `body`, and if wanted `url` and `expires_after`.

    It takes each message once, by its id, so that asking again after an answer that was lost is
    harmless: no outcome of it is unknown, and every failure of the table may be asked again.
    """

    store: Store
    now: Callable[[], datetime]

    def send(self, outgoing: Outgoing) -> str:
        customer, message = outgoing.tags["customer"], outgoing.message_id
        try:
            put_in(self.store, customer, message, outgoing.content, self.now())
        except BadLinkError as error:
            raise ProviderError("BadLink", ErrorKind.CONFIGURATION) from error
        except (BotoCoreError, ClientError, StoreBusyError) as error:
            raise ProviderError(type(error).__name__, ErrorKind.TEMPORARY) from error
        return message
