"""docs/profile-context.md: its journey does what its scenarios say, and its tables are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.journeys.compiler.profile.assembling import read_declarations
from stepwell.journeys.compiler.profile.context import CLOSEST_KM, COARSEST_KM
from stepwell.journeys.compiler.project import read_project
from stepwell.profile.context import DEVICE_FIELDS, LONGEST, NAMES, PARTS, load_context
from stepwell.simulation.defining import define
from stepwell.simulation.scenarios.reader import surroundings
from stepwell.simulation.scenarios.suite import run_scenarios
from tests.support.context_page import PAGE, block, write_lunch
from tests.support.scenario_projects import read_text


def test_lunch_goes_to_those_in_delivery_range(tmp_path: Path) -> None:
    root = write_lunch(tmp_path)
    project = read_project(root)
    assert not project.problems, "\n".join(map(str, project.problems))
    around = surroundings(project, root)
    scenarios, problems = read_text(block("yaml scenarios"), tmp_path, "lunch", around)
    assert not problems, "\n".join(map(str, problems))
    results = list(run_scenarios(define(project, root), scenarios))
    assert len(results) == 3
    assert {each.scenario.name: list(each.lines()) for each in results if not each.passed} == {}


def test_marketing_is_refused_as_it_is_shown(tmp_path: Path) -> None:
    journey = block("yaml journey").replace("purpose: service", "purpose: marketing")
    found = [str(each) for each in read_project(write_lunch(tmp_path, journey)).problems]
    assert len(found) == 5  # the entry, the split and three texts of the template
    assert block("text refused").strip() in found


def test_section_declares_what_it_says(tmp_path: Path) -> None:
    root = write_lunch(tmp_path)
    declared = read_declarations(root, None, ("marketing", "service"))
    assert not declared.problems
    rules = load_context(declared.document["context"])
    assert rules.parts.keys() == set(PARTS)
    assert rules.parts["place"].precision_km == 1
    assert not rules.zone


@pytest.mark.parametrize("name", [*PARTS, *NAMES, *DEVICE_FIELDS])
def test_everything_that_may_be_kept_is_told_of(name: str) -> None:
    assert f"`{name}`" in PAGE or f"`customer.{name}`" in PAGE


def test_limits_are_those_that_are_told() -> None:
    assert f"({CLOSEST_KM:g} to {COARSEST_KM:,})" in PAGE
    assert f"a text of over {LONGEST}" in PAGE
