"""To which of a channel's addresses a message may go at the moment of sending."""

from __future__ import annotations

from datetime import datetime, timedelta

from stepwell.customers import keys
from stepwell.messages.consent import granted_at
from stepwell.messages.reach import NOTHING_SUPPRESSED
from stepwell.messages.reading import Items
from stepwell.messages.request import Request
from stepwell.messages.suppression import read_suppressed
from stepwell.ports import Hasher
from stepwell.storage.operations import Store
from stepwell.timestamps import from_text

_FREE_FOR = timedelta(seconds=5)
"""How long consent's word that no address is suppressed is taken: as long as it takes to send."""


def usable_addresses(
    request: Request,
    items: Items,
    channel: str,
    purpose: str,
    *,
    store: Store,
    hasher: Hasher,
    now: datetime,
) -> tuple[str, ...]:
    """The one to try first in front. What consent has just found free is not asked about again."""
    profile = items.profile or {}
    if _just_found_free(request, now):
        return NOTHING_SUPPRESSED.usable(profile, channel)
    suppressed = read_suppressed(
        store,
        profile,
        (channel,),
        purpose,
        hasher,
        # Read only for somebody who has unsubscribed once.
        lambda each: granted_at(store.get(keys.consents(items.person)), purpose, each),
    )
    return suppressed.usable(profile, channel)


def _just_found_free(request: Request, now: datetime) -> bool:
    asked = request.result("consent").get("suppression")
    if not asked or asked["found"]:
        return False
    return now - from_text(asked["at"]) <= _FREE_FOR
