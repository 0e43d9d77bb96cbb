"""A small project on disk for tests of the compiler: schemas, policies, and journeys as text."""

import json
from collections.abc import Mapping
from pathlib import Path

from stepwell.journeys.compiler.checks import Subject
from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.project import read_project

POLICIES = """\
purposes:
  marketing: {consent: required, capped: true, after_unknown_outcome: drop}
  service: {consent: assumed, capped: false, after_unknown_outcome: drop}
  transactional: {consent: assumed, capped: false, after_unknown_outcome: resend}
"""

HELLO = """\
email: {subject: Hello, text: "Hello {{ event.properties.word }}", html: <p>Hello</p>}
sms: {body: Hello}
push: {title: Hello, body: Hello}
"""

EVENTS: Mapping[str, Mapping[str, str]] = {
    "Began": {"word": "string", "amount": "number", "id": "string"},
    "Acted": {"id": "string"},
    "Left": {},
}


def write_project(
    root: Path, journeys: Mapping[str, str], templates: Mapping[str, str] | None = None
) -> Path:
    """Each journey's folder gets the templates, by default one called `hello`."""
    (root / "statemachines" / "journeys").mkdir(parents=True)
    (root / "statemachines" / "policies.yaml").write_text(POLICIES)
    schemas = root / "events" / "schemas"
    schemas.mkdir(parents=True)
    for name, properties in EVENTS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "type": "object",
            "properties": {key: {"type": kind} for key, kind in properties.items()},
        }
        (schemas / f"{name.lower()}.json").write_text(json.dumps(schema))
    for name, text in journeys.items():
        folder = root / "statemachines" / "journeys" / name
        (folder / "templates").mkdir(parents=True)
        (folder / "journey.yaml").write_text(text)
        for template, content in ({"hello": HELLO} if templates is None else templates).items():
            (folder / "templates" / f"{template}.yaml").write_text(content)
    return root


def found_in(root: Path) -> list[Problem]:
    return list(read_project(root).problems)


def only_subject(root: Path) -> Subject:
    """The project's one journey, which must be free of problems."""
    project = read_project(root)
    assert not project.problems, "\n".join(map(str, project.problems))
    (subject,) = project.subjects
    return subject
