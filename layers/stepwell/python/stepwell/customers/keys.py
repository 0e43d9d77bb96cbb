"""Every key of the two tables, made in one place. The access patterns are in docs/data-model.md."""

from __future__ import annotations

from functools import lru_cache

from stepwell.storage.operations import Key, TableName

PROFILE = "PROFILE"
CONSENTS = "CONSENTS"
CAPS = "CAPS"
ENROLLMENT_PREFIX = "ENROLLMENT#"
DECISION_PREFIX = "DECISION#"
MESSAGE_PREFIX = "MESSAGE#"
FINISHED_PREFIX = "FINISHED#"
CONVERSION_PREFIX = "CONVERSION#"
MERGED_PREFIX = "MERGED#"
NOT_JOINED_PREFIX = "NOT_JOINED#"
INBOX_PREFIX = "INBOX#"
HAND_OVER_PREFIX = "HAND_OVER#"


_kept = lru_cache(maxsize=1024)
"""For keys that one customer's rules ask for again and again."""


def partition(customer: str) -> str:
    return f"CUSTOMER#{customer}"


def customer_of(partition: str) -> str:
    return partition.partition("#")[2]


@_kept
def profile(customer: str) -> Key:
    return Key(TableName.CUSTOMERS, partition(customer), PROFILE)


@_kept
def consents(customer: str) -> Key:
    return Key(TableName.CUSTOMERS, partition(customer), CONSENTS)


@_kept
def caps(customer: str) -> Key:
    return Key(TableName.CUSTOMERS, partition(customer), CAPS)


@_kept
def enrollment(customer: str, enrollment_id: str) -> Key:
    """`enrollment_id` is `<journey>#<key hash>`, from `enrollment_id`."""
    return Key(TableName.CUSTOMERS, partition(customer), ENROLLMENT_PREFIX + enrollment_id)


def enrollment_id(journey: str, key_hash: str) -> str:
    return f"{journey}#{key_hash}"


def identity(kind: str, value_hash: str) -> Key:
    """The owner of one identity; the value is a keyed hash, so the table can be read without it."""
    return Key(TableName.CUSTOMERS, f"IDENTITY#{kind}#{value_hash}", "IDENTITY")


def applied_event(event_hash: str) -> Key:
    """The marker of an applied event; `event_hash` covers source, sender and the sender's event
    id.
    """
    return Key(TableName.CUSTOMERS, f"EVENT#{event_hash}", "APPLIED")


def fingerprint_of(mark: Key) -> str:
    """The event's, of the key of its marker."""
    return mark.pk.partition("#")[2]


def suppression(channel: str, address_hash: str) -> Key:
    """What keeps messages from one address, whoever has it; the value is a keyed hash."""
    return Key(TableName.CUSTOMERS, f"SUPPRESSION#{channel}#{address_hash}", "SUPPRESSION")


def provider_message(channel: str, provider_id: str) -> Key:
    """Which message a provider means, where it gives back its own id only."""
    return Key(TableName.RECORDS, f"PROVIDER#{channel}#{provider_id}", "PROVIDER")


def lane(name: str) -> Key:
    """The next free moments of one provider."""
    return Key(TableName.CUSTOMERS, f"LANE#{name}", "LANE")


def write_key(key_hash: str) -> Key:
    """A source's write key, known by its SHA-256 only."""
    return Key(TableName.CUSTOMERS, f"WRITE_KEY#{key_hash}", "WRITE_KEY")


WRITE_KEYS = "WRITE_KEYS"
"""The partition of all sources, each with the list of its write keys."""


def write_keys_of(source: str) -> Key:
    return Key(TableName.CUSTOMERS, WRITE_KEYS, f"SOURCE#{source}")


@_kept
def message(customer: str, message_id: str) -> Key:
    return Key(TableName.RECORDS, partition(customer), MESSAGE_PREFIX + message_id)


def decision(customer: str, decision_id: str) -> Key:
    """`decision_id` starts with the decision's ISO time: a Query lists them by time."""
    return Key(TableName.RECORDS, partition(customer), DECISION_PREFIX + decision_id)


def hand_over(customer: str, hand_over_id: str) -> Key:
    """The record that somebody was asked, or could not be; `hand_over_id` is that of its step in
    one run.
    """
    return Key(TableName.RECORDS, partition(customer), HAND_OVER_PREFIX + hand_over_id)


def inbox(customer: str, sent_at: str, message_id: str) -> Key:
    """A message in the in-app inbox; `sent_at` is an ISO time: a Query lists them by it."""
    return Key(TableName.RECORDS, partition(customer), f"{INBOX_PREFIX}{sent_at}#{message_id}")


def finished(customer: str, enrollment_id: str, run: int) -> Key:
    """The record of one run of an enrollment that has ended."""
    return Key(TableName.RECORDS, partition(customer), f"{FINISHED_PREFIX}{enrollment_id}#{run}")


def conversion(customer: str, enrollment_id: str, run: int) -> Key:
    return Key(TableName.RECORDS, partition(customer), f"{CONVERSION_PREFIX}{enrollment_id}#{run}")


def merge(customer: str, former: str) -> Key:
    """The record that `former` became part of `customer`."""
    return Key(TableName.RECORDS, partition(customer), MERGED_PREFIX + former)


def not_joined(customer: str, reference: str, why: str) -> Key:
    """The record that an identity was named with this customer and not joined, and why."""
    return Key(TableName.RECORDS, partition(customer), f"{NOT_JOINED_PREFIX}{reference}#{why}")
