"""What the shipped journeys say can be said about every event that the schemas allow."""

import json
from pathlib import Path

import pytest

from stepwell.journeys.compiler.compilation import compile_project
from stepwell.journeys.program import Message, Program, canonical, load_program
from stepwell.messages.templates import render

ROOT = Path(__file__).parents[3]
SCHEMAS = {
    schema["title"]: schema
    for path in (ROOT / "events" / "schemas").glob("*.json")
    for schema in [json.loads(path.read_text())]
}
PROGRAMS = [load_program(canonical(each.program)) for each in compile_project(ROOT)]
TEXTS = [
    (program, step, channel)
    for program in PROGRAMS
    for step in program.messages()
    for channel in step.channels
]


@pytest.mark.parametrize(
    ("program", "step", "channel"), TEXTS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_message_renders_with_required_properties_only(
    program: Program, step: Message, channel: str
) -> None:
    required = SCHEMAS[program.entry.event].get("required", [])
    event = {"id": "e", "properties": dict.fromkeys(required, "A&B")}
    context = {"customer": {"id": "c", "traits": {}}, "event": event, "journey": program.journey}
    fields = render(step.template[channel], context)
    assert all(text.strip() for text in fields.values())
    assert "A&B" not in fields.get("html", "")
    if channel == "sms":
        assert fields["body"].isascii()
        assert len(fields["body"]) <= 160
