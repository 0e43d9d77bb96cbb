"""Which message a provider means, for those that give back their own id only.

    PROVIDER   customer, message, expires    by channel and the provider's id of the message

Written with the answer of the send, and only where the provider asks for it (`ToldById`): it is one
more write a message.
"""

from __future__ import annotations

from datetime import datetime

from stepwell.customers import keys
from stepwell.messages.policies import Policies
from stepwell.messages.records import expiry
from stepwell.messages.request import Request
from stepwell.ports import Provider, ToldById
from stepwell.storage.operations import Operation, Put


def pointing_to(
    request: Request,
    policies: Policies,
    now: datetime,
    *,
    provider: Provider,
    channel: str,
    provider_id: str,
) -> tuple[Operation, ...]:
    """The write that a send by this provider needs besides its answer, if any."""
    if not isinstance(provider, ToldById):
        return ()
    item = {
        "customer": request.customer,
        "message": request.message,
        "expires": expiry(policies, now),
    }
    return (Put(keys.provider_message(channel, provider_id), item),)
