"""Put made-up customers into the store as those who were there before the simulation began.

The same items as the router would write for their sign-up, made by the same rules, without the
cost of routing half a dozen events for everybody. Made-up people are found by their user ids alone:
some have made-up phone numbers of others, and which of them are played together shall not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepwell.customers import keys
from stepwell.customers.applied import applied_with
from stepwell.customers.arrivals import with_new
from stepwell.customers.identities import device_token, identities_in, identity_key
from stepwell.customers.identity_rules import USER_ID, IdentityRules
from stepwell.customers.profiles import OwnIds, apply_to_profile
from stepwell.customers.snapshot import Snapshot
from stepwell.events.model import Event
from stepwell.ports import Hasher
from stepwell.profile.living import live
from stepwell.profile.rules import ProfileRules
from stepwell.simulation.trace import Applied, Trace
from stepwell.storage.operations import Item, Put, Store
from stepwell.timestamps import to_text


def customer_id(number: int) -> str:
    """The internal id of a made-up customer, the same in every simulation."""
    return f"c{number:024x}"


def number_of(customer: str) -> int:
    return int(customer[1:], 16)


def settle(
    number: int,
    events: Sequence[Event],
    store: Store,
    hasher: Hasher,
    trace: Trace,
    rules: ProfileRules,
) -> None:
    """Write what the events of one sign-up make known; the trace lists them as applied."""
    customer = customer_id(number)
    # Of the events only the first one, an identify, says more of the profile than how many it had.
    own = OwnIds(events[0].user_id, token=device_token(events[0].context))
    nobody, first, at = Snapshot(customer), events[0], events[0].received_at
    profile = apply_to_profile(nobody, first, len(events), [], own, rules.context)
    kinds = [kind for kind, _ in identities_in(first)]
    profile |= with_new(profile, kinds, IdentityRules(), at)
    consents = _consents(events[1:]) if len(events) > 1 else None
    known = replace(nobody, profile=profile, consents=consents)
    profile = live(first, nobody, known, rules, at, []).profile | {"touched": []}
    applied: Item | None = None
    for each in events:
        applied = applied_with(applied, each.fingerprint)
    profile |= applied or {}
    user = identity_key(USER_ID, first.user_id or "", hasher)
    # Without conditions: nobody else writes before the simulation begins.
    puts = [Put(keys.profile(customer), profile), Put(user, {"customer": customer})]
    if consents is not None:
        puts.append(Put(keys.consents(customer), consents))
    store.transact(puts)
    trace.applied += [
        Applied(each.received_at, customer, each, 0, trace.next_place()) for each in events
    ]
    trace.customers[customer] = None


def _consents(answers: Sequence[Event]) -> Item:
    """Of answers to one question each, about channels and purposes that there are."""
    grants = {}
    for answer in answers:
        given = answer.properties
        grants[f"{given['purpose']}#{given['channel']}"] = {
            "status": given["status"],
            "at": to_text(answer.timestamp),
            "proof": answer.id,
        }
    return {"grants": grants, "seq": len(answers) + 1}
