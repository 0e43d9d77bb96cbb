"""Read `statemachines/destinations.yaml`: where a hand-over to a human goes.

    destinations:
      helpdesk:
        webhook: {url: "https://helpdesk.example.com/hooks/stepwell", timeout: 5s}
        include: [user_id, traits.first_name]
        stages:
          dev: {event_bus: {}}            # in that stage it goes there instead

Gives the document that `stepwell.handover.destinations` loads, and all problems at once. A project
without the file has no destinations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from stepwell.handover.destinations import CONNECT_TASK, EVENT_BUS, WEBHOOK
from stepwell.handover.telling import FIELDS, TRAIT
from stepwell.handover.webhooks import LOCAL_STAGE, is_on_this_machine
from stepwell.journeys.compiler.documents import Document, Duration, Text
from stepwell.journeys.compiler.problems import Problem, suggest
from stepwell.journeys.compiler.source import DataPath, read_yaml
from stepwell.journeys.compiler.validation import FileReading

FILE = "statemachines/destinations.yaml"
KINDS = (EVENT_BUS, CONNECT_TASK, WEBHOOK)
LONGEST_WAIT = 10
"""Seconds that a webhook may take to answer: the function has 30, and is tried again."""
MOST_INCLUDED = 15
MOST_REFERENCES = 5

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_STAGE = re.compile(r"[a-z][a-z0-9]{0,19}")
_BUS = re.compile(r"[.\-_A-Za-z0-9]{1,256}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRAIT = re.compile(r"traits\.[^\s.]{1,100}")
_LONGEST_URL = 2000


def _event_source(value: object) -> object:
    if isinstance(value, str) and value.startswith("aws."):
        said = "{value}: sources that begin with aws. are those of AWS"
        raise PydanticCustomError("SW1032", said, {"value": repr(value)})
    return value


def _bus(value: object) -> object:
    if isinstance(value, str) and not _BUS.fullmatch(value):
        remedy = "Name a bus of this account and Region; a rule there may lead to another one."
        said = "{value} is no name of an event bus"
        raise PydanticCustomError("SW1032", said, {"value": repr(value), "remedy": remedy})
    return value


def _id_of_connect(value: object) -> object:
    if isinstance(value, str) and not _UUID.fullmatch(value):
        remedy = "Take the last part of its ARN, which has 36 characters."
        said = "{value} is no id of Amazon Connect"
        raise PydanticCustomError("SW1033", said, {"value": repr(value), "remedy": remedy})
    return value


ConnectId = Annotated[str, BeforeValidator(_id_of_connect)]
Words = Annotated[str, Field(min_length=1, max_length=128)]


class FileDocument(Document):
    destinations: dict[str, Any]


class TargetDocument(Document):
    event_bus: dict[str, Any] | None = None
    connect_task: dict[str, Any] | None = None
    webhook: dict[str, Any] | None = None


class DestinationDocument(TargetDocument):
    include: list[Text] = Field(default=[], max_length=MOST_INCLUDED)
    stages: dict[str, Any] = Field(default={})


class EventBusDocument(Document):
    bus: Annotated[str, BeforeValidator(_bus)] = "default"
    source: Annotated[Words, BeforeValidator(_event_source)] = "stepwell"
    detail_type: Words = "Hand-over"


class ConnectTaskDocument(Document):
    instance: ConnectId
    flow: ConnectId
    task: Annotated[str, Field(min_length=1, max_length=512)]
    references: dict[str, Text] = Field(default={}, max_length=MOST_REFERENCES)


class WebhookDocument(Document):
    url: Text
    timeout: Duration = 5


def read_destinations(root: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The document, with those destinations that can be read."""
    path = root / FILE
    if not path.is_file():
        return {}, []
    source, problems = read_yaml(path, FILE)
    return _Reading(source).document() if source else ({}, problems)


class _Reading(FileReading):
    def document(self) -> tuple[dict[str, Any], list[Problem]]:
        file = self.validated((), self.source.data or {}, FileDocument)
        read = {
            name: self._destination(("destinations", name), name, data)
            for name, data in (file.destinations if file else {}).items()
        }
        return {name: each for name, each in read.items() if each}, self.problems

    def _destination(self, path: DataPath, name: str, data: Any) -> dict[str, Any] | None:
        if not _NAME.fullmatch(name):
            remedy = "Use up to 48 lower-case letters, digits and _, beginning with a letter."
            self.report(path, "SW1031", f"{name!r} cannot be a destination's name", remedy)
        document = self.validated(path, data, DestinationDocument)
        if document is None:
            return None
        stages = {
            stage: self._target((*path, "stages", stage), each, stage)
            for stage, each in document.stages.items()
            if self._is_stage((*path, "stages", stage), stage)
        }
        self._check_included(path, document.include)
        target = self._one_target(path, document, "")
        if target is None or None in stages.values():
            return None
        return {"include": document.include, "target": target, "stages": stages}

    def _is_stage(self, path: DataPath, stage: str) -> bool:
        if _STAGE.fullmatch(stage):
            return True
        self.report(path, "SW1031", f"{stage!r} is no stage", "Write one of infra/settings.py.")
        return False

    def _check_included(self, path: DataPath, fields: list[str]) -> None:
        for number, field in enumerate(fields):
            if field not in FIELDS and not _TRAIT.fullmatch(field):
                known = [*FIELDS, f"{TRAIT}<name>"]
                said = f"{field!r} cannot be told of a customer"
                self.report((*path, "include", number), "SW1034", said, suggest(field, known))

    def _target(self, path: DataPath, data: Any, stage: str) -> dict[str, Any] | None:
        document = self.validated(path, data, TargetDocument)
        return self._one_target(path, document, stage) if document else None

    def _one_target(
        self, path: DataPath, document: TargetDocument, stage: str
    ) -> dict[str, Any] | None:
        found = [kind for kind in KINDS if getattr(document, kind) is not None]
        if len(found) != 1:
            said = f"it goes to {' and '.join(found)}" if found else "it does not say where it goes"
            self.report(path, "SW1030", said, f"Write one of {', '.join(KINDS)}.")
            return None
        (kind,) = found
        read = {EVENT_BUS: self._event_bus, CONNECT_TASK: self._connect, WEBHOOK: self._webhook}
        target = read[kind]((*path, kind), getattr(document, kind), stage)
        return {"kind": kind, **target} if target else None

    def _event_bus(self, path: DataPath, data: Any, _stage: str) -> dict[str, Any] | None:
        document = self.validated(path, data, EventBusDocument)
        return document.model_dump() if document else None

    def _connect(self, path: DataPath, data: Any, _stage: str) -> dict[str, Any] | None:
        document = self.validated(path, data, ConnectTaskDocument)
        if document is None:
            return None
        for name, text in document.references.items():
            for strange in re.findall(r"\{[^}]*\}?", text.replace("{customer}", "")):
                said = f"{strange} stands for nothing; {{customer}} is the customer's id"
                self.report((*path, "references", name), "SW1033", said, "Correct the reference.")
        return document.model_dump()

    def _webhook(self, path: DataPath, data: Any, stage: str) -> dict[str, Any] | None:
        document = self.validated(path, data, WebhookDocument)
        if document is None:
            return None
        for said in _faults(document.url, stage):
            self.report(
                (*path, "url"), "SW1035", said, "Write an address like https://a.example/b."
            )
        if document.timeout > LONGEST_WAIT:
            said = f"a webhook may take {LONGEST_WAIT}s at most: it is tried again"
            self.report((*path, "timeout"), "SW1035", said, f"Write {LONGEST_WAIT}s or less.")
        return {"url": document.url, "timeout_seconds": document.timeout}


def _faults(url: str, stage: str) -> Iterator[str]:
    """Why nothing can be sent there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        yield f"{url!r} is no address"
        return
    here = stage == LOCAL_STAGE and is_on_this_machine(host or "")
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        yield "only https is sent to, and in the stage `local` also http on this machine"
    if not host or port == 0:
        yield "it names no host"
    if parts.username is not None or parts.password is not None:
        yield "it has a user or a password: it is signed instead"
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        yield "it has a fragment, or characters that no address has"
    if len(url) > _LONGEST_URL:
        yield f"it has over {_LONGEST_URL} characters"
