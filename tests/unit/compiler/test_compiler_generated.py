"""Any valid journey compiles into a sound state machine, the same one each time."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stepwell.journeys.compiler.compilation import compile_journey
from stepwell.journeys.compiler.flow import END, NEXT, TIMEOUT, flow_of
from stepwell.journeys.compiler.model import Hold, Message
from stepwell.journeys.compiler.names import LONGEST_STATE_NAME, LONGEST_STEP_NAME
from stepwell.journeys.compiler.structure import faults
from stepwell.journeys.compiler.transitions import transitions
from stepwell.journeys.program import canonical, load_program
from tests.support.journey_projects import only_subject, write_project

Json = dict[str, Any]

_pauses = st.builds(lambda days: {"delay": {"for": f"{days}d"}}, st.integers(1, 3))
_mornings = st.just({"delay": {"until": "09:00 local", "weekdays": ["mon", "friday"]}})
_dates = st.builds(
    lambda more: {"delay": {"until": {"date": "customer.traits.renewal_date", **more}}},
    st.sampled_from([{}, {"offset": "-36h"}, {"offset": "1mo", "at": "09:00 local"}]),
)
_messages = st.builds(
    lambda channels: {"message": {"channels": channels, "template": "hello"}},
    st.lists(st.sampled_from(["email", "sms", "push"]), min_size=1, unique=True),
)


def _ways(blocks: st.SearchStrategy[list[Json]]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just("continue"), blocks)


def _holds(blocks: st.SearchStrategy[list[Json]]) -> st.SearchStrategy[Json]:
    def build(acted: Any, left: Any, timeout: Any) -> Json:
        until = [{"event": "Acted", "then": acted}, {"event": "Left", "then": left}]
        return {"hold": {"for": "6h", "until": until, "timeout": timeout, "max_restarts": 2}}

    return st.builds(
        build, st.one_of(st.just("restart"), _ways(blocks)), _ways(blocks), _ways(blocks)
    )


def _splits(blocks: st.SearchStrategy[list[Json]]) -> st.SearchStrategy[Json]:
    def build(large: Any, small: Any, otherwise: Any) -> Json:
        amount = "enrollment.event.properties.amount"
        branches = [
            {"name": "Large", "when": f"{amount} > 200.0", "then": large},
            {"name": "Small", "when": f"{amount} < 20.0", "then": small},
        ]
        return {"split": {"branches": branches, "otherwise": otherwise}}

    return st.builds(build, _ways(blocks), _ways(blocks), _ways(blocks))


_leaves = st.one_of(_pauses, _mornings, _dates, _messages)
_steps = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        _holds(st.lists(inner, min_size=1, max_size=2)),
        _splits(st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=8,
)


def _named(blocks: Any, filler: str, count: list[int]) -> None:
    """Give every step a name of its own, as long as may be."""
    for step in blocks if isinstance(blocks, list) else ():
        (body,) = step.values()
        count[0] += 1
        body["name"] = f"S{count[0]} {filler}"[:LONGEST_STEP_NAME].strip()
        body["id"] = f"s{count[0]}"
        for way in (
            [*body.get("until", []), *body.get("branches", [])] if "channels" not in body else []
        ):
            if isinstance(way, dict):
                _named(way["then"], filler, count)
        _named(body.get("timeout"), filler, count)
        _named(body.get("otherwise"), filler, count)


@st.composite
def journeys(draw: st.DrawFn) -> str:
    steps = draw(st.lists(_steps, min_size=1, max_size=4).map(_copied))
    _named(steps, draw(st.sampled_from(["", "é" * 80, "a long name, " * 9])), [0])
    document = {
        "journey": "greeting",
        "purpose": "marketing",
        "entry": {
            "event": "Began",
            "reentry": draw(st.sampled_from(["never", "always", "after_exit"])),
        },
        "steps": steps,
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        YAML().dump(document, file)
        file.seek(0)
        return file.read()


def _copied(node: Any) -> Any:
    """Without shared parts, which YAML would write as anchors and naming would name once."""
    if isinstance(node, dict):
        return {key: _copied(value) for key, value in node.items()}
    return [_copied(each) for each in node] if isinstance(node, list) else node


@settings(max_examples=20)
@given(text=journeys())
def test_valid_journey_compiles_into_a_sound_machine(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        templates: dict[str, str] | None = None if "message" in text else {}
        subject = only_subject(write_project(Path(folder), {"greeting": text}, templates))
    compiled, again = compile_journey(subject), compile_journey(subject)
    assert faults(compiled.machine) == []
    assert (compiled.version, compiled.machine_text()) == (again.version, again.machine_text())
    assert all(len(name) <= LONGEST_STATE_NAME for name in compiled.machine["States"])
    program = load_program(canonical(compiled.program))
    assert program.version == compiled.version

    flow = flow_of(subject.journey)
    for step in flow.steps.values():
        ways = flow.ways[step.id]
        if isinstance(step, Message) and ways[NEXT] != END:
            target = _first_state(compiled.machine, flow.steps[ways[NEXT]].name)
            assert transitions(compiled.machine, step.name, target) == 2
            assert (
                transitions(compiled.machine, step.name, f"{step.name}: until it may go", target)
                == 6
            )
        if isinstance(step, Hold) and ways[TIMEOUT] != END:
            target = _first_state(compiled.machine, flow.steps[ways[TIMEOUT]].name)
            assert transitions(compiled.machine, step.name, f"{step.name}: time is up", target) == 2


def _first_state(machine: Json, name: str) -> str:
    before = [name + suffix for suffix in (": find the time", ": look at customer")]
    return next((state for state in before if state in machine["States"]), name)
