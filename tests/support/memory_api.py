"""ingest, router and admin on one store in memory, behind the command line's HTTP calls.

The real rules at every place, without a network; what the router tells is applied at once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import Request

from stepwell.cli import http
from stepwell.customers import keys
from stepwell.customers.inquiries import (
    AUDIENCE,
    AUDIENCES,
    CUSTOMER,
    CUSTOMERS,
    Inquiries,
    Question,
)
from stepwell.customers.routing import Router
from stepwell.events.intake import Intake
from stepwell.events.model import Event
from stepwell.events.registry import Registry
from stepwell.events.sources import Source, basic_user
from stepwell.journeys.reactions import Catalog
from stepwell.profile.rules import ProfileRules
from stepwell.storage.memory import MemoryStore
from stepwell.storage.operations import Item, TableName
from tests.support.fakes import RecordedExecutions, plain_hasher

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class MemoryProfiles:
    """`size` profiles a page; a part has those whose number it is."""

    store: MemoryStore
    size: int = 2

    def page(self, part: int, parts: int, after: str) -> tuple[Sequence[Item], str]:
        all_of_them = self.store.named(TableName.CUSTOMERS, keys.PROFILE)
        mine, start = all_of_them[part::parts], int(after or 0)
        end = start + self.size
        return mine[start:end], str(end) if end < len(mine) else ""


class MemoryApi:
    """`answer` stands in for `http._once`; `now` is the moment of all that happens."""

    def __init__(self, rules: ProfileRules | None = None, registry: Registry | None = None) -> None:
        self.store, self.now, self.ids = MemoryStore(), NOW, count()
        self.rules, self.busy = rules or ProfileRules(), 0
        """So many requests to ingest are answered that it is busy."""
        self.events: list[Event] = []
        self._told: list[Event] = []
        self.router = Router(
            self.store,
            Catalog([], _no_program),
            RecordedExecutions(),
            plain_hasher,
            lambda: f"c{next(self.ids):024x}",
            profile=self.rules,
            queue=_Told(self._told),
        )
        self.sources = {"local": Source("docs"), "crm": Source("crm")}
        self.intake = Intake(
            self.sources.get, self, lambda: f"m{next(self.ids)}", lambda: registry or Registry()
        )
        self.inquiries = Inquiries(
            self.store, plain_hasher, MemoryProfiles(self.store), self.rules, "the-rules-of-a-test"
        )

    def send(self, events: Sequence[Event]) -> None:
        self.events += events
        waiting = list(events)
        while waiting:
            self.router.route(waiting.pop(0), self.now)
            waiting += self._told
            self._told.clear()

    def post(self, path: str, authorization: str | None, body: bytes) -> http.Answer:
        if self.busy:
            self.busy -= 1
            return http.Answer(429, {"message": "too many calls"})
        answer = self.intake.accept(
            path.rpartition("/")[2],
            source=self.sources.get(basic_user(authorization) or ""),
            body=body,
            received_at=self.now,
        )
        return http.Answer(answer.status, answer.body)

    def answer(self, request: Request) -> http.Answer:
        parts = urlsplit(request.full_url)
        body = request.data or b""
        assert isinstance(body, bytes)
        if not parts.path.startswith("/admin/"):
            return self.post(parts.path, request.get_header("Authorization"), body)
        question = question_of(request.get_method(), parts.path, parts.query, body)
        status, document = self.inquiries.answer(question, self.now)
        return http.Answer(status, json.loads(json.dumps(document)))


def question_of(method: str, path: str, query: str, body: bytes) -> Question:
    """As the API's routes have it."""
    _, _, what, *named = path.split("/")
    resource = {
        ("GET", "customers"): CUSTOMER,
        ("POST", "customers"): CUSTOMERS,
        ("GET", "audiences"): AUDIENCE if named else AUDIENCES,
    }[method, what]
    return Question(resource, unquote("/".join(named)), dict(parse_qsl(query)), body.decode())


@dataclass(frozen=True)
class _Told:
    told: list[Event]

    def send(self, events: Sequence[Event]) -> None:
        self.told.extend(events)


def _no_program(version: str) -> Any:
    raise AssertionError(version)
