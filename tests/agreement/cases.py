"""A case: a project of journeys, customers' calls at moments, and how providers and functions fail.

Plain data, so that a generated case that shows a difference can be kept as a YAML file.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

from stepwell.events.envelope import read_call
from stepwell.events.model import Event
from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.timestamps import from_text, to_text

Json = dict[str, Any]

STATEMACHINES = Path(__file__).parents[2] / "statemachines"
SCHEMAS = Path(__file__).parents[2] / "events" / "schemas"

EVENTS: Mapping[str, Mapping[str, str]] = {
    "Began": {"id": "string", "word": "string", "amount": "number"},
    "Acted": {"id": "string", "amount": "number"},
    "Bought": {"id": "string", "revenue": "number"},
    "Left": {},
}
"""The event registry of every case: names, and the types of their properties."""

HELLO = {
    "email": {"subject": "Hello", "text": "From {{ journey }}", "html": "<p>Hello</p>"},
    "sms": {"body": "Hello {{ customer.traits.first_name | default: 'you' }}"},
    "push": {"title": "Hello", "body": "{{ event.properties.word | default: 'nothing' }}"},
}
STRICT = {
    "email": {"subject": "{{ event.name }}", "text": "{{ event.properties.word }}", "html": "<p/>"},
    "sms": {"body": "{{ customer.traits.first_name }}"},
    "push": {"title": "Hello", "body": "{{ event.properties.amount }}"},
}
DESTINATIONS: Mapping[str, Json] = {
    "desk": {"event_bus": {}, "include": ["user_id", "traits.first_name", "traits.plan"]},
    "team": {"event_bus": {"bus": "team"}},
}
PLAIN = {**HELLO, "push": {"title": "Hello", "body": "From {{ journey }}"}}
LIVING = {
    "email": {"subject": "Hello", "text": "{{ customer.computed.spent }}", "html": "<p/>"},
    "sms": {"body": "Since {{ customer.computed.last_bought | default: 'ever' }}"},
    "push": {"title": "{{ customer.computed.last_bought }}", "body": "{{ journey }}"},
}
_TOLD_AFTER = timedelta(days=10)
TEMPLATES = {"hello": HELLO, "strict": STRICT, "plain": PLAIN, "living": LIVING}
"""`strict` fails wherever what it names is missing; `living` is for cases with a profile."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to ingest at a moment, or (`again`) the same queue message delivered again."""

    at: datetime
    kind: str
    document: Json
    again: bool = False

    @property
    def message_id(self) -> str:
        return str(self.document["messageId"])

    def event(self, received_at: datetime) -> Event:
        """The event that ingest makes of it."""
        body = json.dumps(self.document).encode()
        (event,) = read_call(
            self.kind, body, source="local", received_at=received_at, new_id=lambda: "none"
        )
        return event


@dataclass(frozen=True, slots=True)
class Case:
    """`journeys` by name, as in journey.yaml; `policies` as in policies.yaml.

    `providers`: by "<channel> <address>" what becomes of its sends in turn, then "accepted":
    accepted | refused | pushed_back | unknown | dies_before | dies_after.
    `destinations`: by name what becomes of the tries in turn, the last for all that follow:
    accepted | refused | away.
    `faults`: by function what becomes of its first calls: "ok", or the name of an error.
    `profile`: what is in profile.yaml and segments.yaml.
    """

    start: datetime
    journeys: Mapping[str, Json]
    policies: Json
    calls: Sequence[Call]
    providers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    destinations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    about: str = ""
    profile: Json = field(default_factory=dict)

    def in_order(self) -> list[Call]:
        """By moment; those of one moment in the order in which they are listed."""
        return sorted(self.calls, key=lambda call: call.at)

    def end(self) -> datetime | None:
        """When the story is told, of customers who are swept and so never come to an end; None
        where nothing waits any more some time.
        """
        return max(call.at for call in self.calls) + _TOLD_AFTER if self.profile else None

    def as_yaml(self) -> str:
        document: Json = {
            "about": self.about,
            "start": to_text(self.start),
            "journeys": dict(self.journeys),
            "policies": self.policies,
            "calls": [_written(call) for call in self.calls],
        }
        document |= {"profile": self.profile} if self.profile else {}
        document |= {"providers": dict(self.providers)} if self.providers else {}
        if self.destinations:
            document |= {"destinations": dict(self.destinations)}
        document |= {"faults": dict(self.faults)} if self.faults else {}
        out = io.StringIO()
        yaml = YAML()
        yaml.width = 100
        yaml.representer.ignore_aliases = lambda _: True
        yaml.dump(json.loads(json.dumps(document)), out)
        return out.getvalue()


def read_case(text: str) -> Case:
    """Read what `Case.as_yaml` wrote."""
    document = YAML(typ="safe", pure=True).load(text)
    return Case(
        start=from_text(document["start"]),
        journeys=document["journeys"],
        policies=document["policies"],
        calls=[_read(each) for each in document["calls"]],
        providers=document.get("providers", {}),
        faults=document.get("faults", {}),
        destinations=document.get("destinations", {}),
        about=document.get("about", ""),
        profile=document.get("profile", {}),
    )


def _written(call: Call) -> Json:
    written: Json = {"at": to_text(call.at), call.kind: call.document}
    return written | ({"again": True} if call.again else {})


def _read(document: Json) -> Call:
    (kind,) = document.keys() - {"at", "again"}
    return Call(from_text(document["at"]), kind, document[kind], document.get("again", False))


@contextmanager
def project_of(case: Case) -> Iterator[Path]:
    """The case's project on disk, with the definition of send_message that ships."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        _write_project(root, case.journeys, case.policies, case.profile)
        yield root


def definitions_of(case: Case) -> Definitions:
    """Compiled once for cases that differ in their calls only. Raises CompileError."""
    return _definitions(json.dumps([case.journeys, case.policies, case.profile]))


@lru_cache(maxsize=8)
def _definitions(text: str) -> Definitions:
    journeys, policies, profile = json.loads(text)
    with TemporaryDirectory() as folder:
        _write_project(Path(folder), journeys, policies, profile)
        return read_definitions(Path(folder))


def _write_project(root: Path, journeys: Mapping[str, Json], policies: Json, profile: Json) -> None:
    """Files in JSON, which is YAML too."""
    statemachines, schemas = root / "statemachines", root / "events" / "schemas"
    for folder in (statemachines / "journeys", schemas):
        folder.mkdir(parents=True)
    shutil.copy(STATEMACHINES / "send_message.asl.json", statemachines)
    (statemachines / "policies.yaml").write_text(json.dumps(policies))
    (statemachines / "destinations.yaml").write_text(json.dumps({"destinations": DESTINATIONS}))
    if profile:
        _write_profile(root, profile)
    for name, properties in EVENTS.items():
        types = {each: {"type": kind} for each, kind in properties.items()}
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "type": "object",
            "properties": types,
        }
        (schemas / f"{name.lower()}.json").write_text(json.dumps(schema))
    for name, journey in journeys.items():
        templates = statemachines / "journeys" / name / "templates"
        templates.mkdir(parents=True)
        text = json.dumps(journey)
        (templates.parent / "journey.yaml").write_text(text)
        for template, content in TEMPLATES.items():
            if f'"template": "{template}"' in text:
                (templates / f"{template}.yaml").write_text(json.dumps(content))


def _write_profile(root: Path, profile: Json) -> None:
    """What is computed, the segments, and the schemas of the events that are told of them."""
    for name, document in (("profile", "computed"), ("segments", "segments")):
        text = json.dumps({document: profile[document]})
        (root / "statemachines" / f"{name}.yaml").write_text(text)
    for path in SCHEMAS.glob("segment_*.json"):
        shutil.copy(path, root / "events" / "schemas")
