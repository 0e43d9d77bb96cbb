"""Journeys that begin by a segment or a changed trait: what is compiled, and what is refused."""

import shutil
from pathlib import Path

import pytest

from stepwell.journeys.compiler.compilation import compile_project
from stepwell.journeys.program import Program, canonical, load_program
from tests.support.journey_projects import found_in, write_project
from tests.support.world import World, event, identify

SEGMENTS = 'segments: {active: {when: customer.traits.plan == "pro"}}\n'
JOURNEY = """\
journey: hello
purpose: marketing
entry: {entry}
steps:
  - delay: {{name: Wait, for: 1d}}
"""


def project(root: Path, entry: str) -> Path:
    write_project(root, {"hello": JOURNEY.format(entry=entry)}, {})
    (root / "statemachines" / "segments.yaml").write_text(SEGMENTS)
    for name in ("segment_entered", "segment_left", "trait_changed"):
        shutil.copy(f"events/schemas/{name}.json", root / "events" / "schemas")
    return root


def program(root: Path, entry: str) -> Program:
    [compiled] = compile_project(project(root, entry))
    return load_program(canonical(compiled.program))


def begun(world: World) -> list[str]:
    return [name for name in world.ada().enrollments if name.startswith("hello#")]


@pytest.mark.parametrize(
    ("way", "crossed", "not_crossed"),
    [
        ("{segment: active}", "Segment Entered", "Segment Left"),
        ("{segment: active, on: entering}", "Segment Entered", "Segment Left"),
        ("{segment: active, on: leaving}", "Segment Left", "Segment Entered"),
    ],
)
def test_a_segment_begins_it_where_it_is_crossed_that_way(
    tmp_path: Path, way: str, crossed: str, not_crossed: str
) -> None:
    world = World(program(tmp_path, way))
    for name, segment in ((not_crossed, "active"), (crossed, "another")):
        world.send(event(name, number=segment, properties={"segment": segment}))
    assert begun(world) == []
    world.send(event(crossed, number="2", properties={"segment": "active"}))
    assert begun(world) == ["hello#one"]


def test_a_changed_trait_begins_it_and_is_told_with_both_values(tmp_path: Path) -> None:
    where = 'event.properties.previous == "trial" && event.properties.value == "pro"'
    world = World(program(tmp_path, f"{{trait: plan, where: '{where}'}}"))
    world.send(identify(plan="trial", colour="red"))
    world.send(identify(plan="pro", colour="blue", number="2"))
    world.send(identify(plan=None, number="3"))
    assert [each.properties for each in world.told] == [
        {"trait": "plan", "value": "trial"},
        {"trait": "plan", "value": "pro", "previous": "trial"},
        {"trait": "plan", "previous": "pro"},
    ]
    first, second, third = world.told
    world.send(first, third)
    assert begun(world) == []
    world.send(second)
    assert begun(world) == ["hello#one"]


def test_a_trait_that_no_journey_listens_to_is_not_told(tmp_path: Path) -> None:
    world = World(program(tmp_path, "{segment: active}"))
    world.send(identify(plan="trial"))
    assert world.told == []


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        ("{reentry: always}", "SW102", "`event` is missing"),
        ("{segment: activ}", "SW1012", 'Did you mean "active"?'),
        ("{segment: active, trait: plan}", "SW103", "not both"),
        ("{event: Began, segment: active}", "SW103", "not both"),
        ("{trait: plan, on: leaving}", "SW103", "which way a segment is crossed"),
        ("{segment: active, on: crossing}", "SW103", "none of entering"),
        ("{segment: active, where: event.properties.amount > 1.0}", "SW521", "amount"),
    ],
)
def test_an_entry_that_says_it_wrongly_is_refused(
    tmp_path: Path, entry: str, code: str, said: str
) -> None:
    found = found_in(project(tmp_path, entry))
    assert [each.code for each in found] == [code]
    assert said in str(found[0])
