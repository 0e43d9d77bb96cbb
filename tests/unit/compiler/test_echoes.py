"""Segments that are made of who enters them: they would be entered and left for ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.journey_projects import found_in
from tests.unit.compiler.test_profile_problems import project

OWN = {"where": "event.properties.segment == 'calm'"}
OTHERS = {"where": "event.properties.segment == 'active' && event.id != 'x'"}
BOTH = {"where": "event.properties.segment in ['loud', 'calm']"}
UNSAID = {"where": "has(event.properties.segment)"}
FEW = "customer.computed.n < 1.0"
ECHOES: dict[str, tuple[dict[str, str], str, set[str]]] = {
    "own": (OWN, FEW, {"calm"}),
    "any": ({}, FEW, {"calm", "loud"}),
    "not_said": (UNSAID, FEW, {"calm", "loud"}),
    "since_any": ({"event": "Began", "since": "Segment Left"}, FEW, {"calm", "loud"}),
    "last": ({"kind": "last"}, "has(customer.computed.n)", {"calm", "loud"}),
    "by_a_ratio": ({}, "customer.computed.share > 0.5", {"calm", "loud"}),
    "all_traits": ({}, "size(customer.computed) > 1", {"calm", "loud"}),
    "by_another": (BOTH, "customer.segments.loud", {"loud"}),
    "another_that_is_free": (OTHERS, FEW, set()),
    "another_that_reads_it": (OTHERS, "customer.segments.loud", set()),
    "not_read": ({}, "customer.computed.begun < 1.0", {"loud"}),
}


@pytest.mark.parametrize(("trait", "when", "circle"), ECHOES.values(), ids=ECHOES)
def test_segment_made_of_who_enters_it(
    tmp_path: Path, trait: dict[str, str], when: str, circle: set[str]
) -> None:
    """One that was accepted made events for ever, of one customer's first."""
    root = project(
        tmp_path,
        f"  n: {json.dumps({'kind': 'count', 'event': 'Segment Entered', **trait})}\n"
        "  share: {kind: ratio, of: n, to: begun}\n",
        f"  calm: {{when: {json.dumps(when)}}}\n  loud: {{when: customer.computed.n > 3.0}}\n",
    )
    for name in ("segment_entered", "segment_left"):
        shutil.copy(f"events/schemas/{name}.json", root / "events" / "schemas")
    found = [each for each in found_in(root) if each.message.startswith("who enters or leaves")]
    assert {each.code for each in found} <= {"SW1011"}
    assert {each.message.rpartition("changes ")[2].split()[0] for each in found} == circle
