"""Sources: whose write key a call has, what may come with it, what its calls are counted by.

The API's authorizer finds the source of a call's header and hands it on to ingest as the context of
its answer, whose values API Gateway takes as text only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from stepwell.events.model import EventType
from stepwell.values import value

ALL_TYPES = frozenset(EventType)


@value
class Source:
    """Whose write key it is, and which types of calls may come with it.

    `usage_key` is what the gateway throttles the source by; empty for one that was added before
    there were tiers.
    """

    name: str
    types: frozenset[EventType] = ALL_TYPES
    usage_key: str = ""


def basic_user(authorization: str | None) -> str | None:
    """The user of an HTTP basic authentication header (RFC 7617), or None."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:  # not base64, not UTF-8, or not even ASCII
        return None
    return text.partition(":")[0] or None


def to_context(source: Source) -> dict[str, str]:
    return {"source": source.name, "types": ",".join(sorted(source.types))}


def from_context(context: Mapping[str, Any] | None) -> Source | None:
    """The source that `to_context` wrote; None when the authorizer found none.

    A type that is not known here is one of an authorizer that is newer than its ingest.
    """
    name = (context or {}).get("source")
    if not context or not name:
        return None
    types = str(context.get("types", "")).split(",")
    return Source(str(name), frozenset(each for each in EventType if each in types))


def usage_key(stage: str, source: str = "", tier: str = "") -> str:
    """The value of the API key by which the gateway counts a source's calls in a tier; without a
    source, of the one that all calls without a header share.

    Nobody can call with it: the gateway takes it from the authorizer only. It tells nothing of the
    write key, and has no fewer than the 20 characters that API Gateway asks for.
    """
    named = "/".join(("usage", stage, source, tier))
    return hashlib.sha256(named.encode()).hexdigest()[:40]
