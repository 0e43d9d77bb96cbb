"""The shipped project in a folder of its own, with other scenarios, journeys or policies."""

from __future__ import annotations

import shutil
from pathlib import Path

from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.project import read_project
from stepwell.simulation.defining import define
from stepwell.simulation.scenarios.model import Scenario
from stepwell.simulation.scenarios.reader import (
    FILE,
    read_file,
    scenarios_file,
    surroundings,
)
from stepwell.simulation.scenarios.reading import Surroundings
from stepwell.simulation.scenarios.suite import Result, run_scenarios

ROOT = Path(__file__).parents[2]


def copy_shipped(root: Path, *journeys: str) -> Path:
    """Schemas, policies and these journeys, with their scenarios."""
    shutil.copytree(ROOT / "events" / "schemas", root / "events" / "schemas")
    (root / "statemachines").mkdir()
    for path in (ROOT / "statemachines").iterdir():
        if path.is_file():
            shutil.copy(path, root / "statemachines" / path.name)
    for name in journeys:
        folder = Path("statemachines", "journeys", name)
        shutil.copytree(ROOT / folder, root / folder)
    return root


def write_scenarios(root: Path, journey: str, text: str) -> Path:
    path = scenarios_file(root, journey)
    path.write_text(text, encoding="utf-8")
    return path


def shipped_surroundings() -> Surroundings:
    return surroundings(read_project(ROOT), ROOT)


def read_text(
    text: str, folder: Path, journey: str, around: Surroundings
) -> tuple[list[Scenario], list[Problem]]:
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    return read_file(path, FILE, journey, around)


def run_text(text: str, folder: Path, journey: str) -> list[Result]:
    """The results of scenarios of a shipped journey, which must be free of problems."""
    project = read_project(ROOT)
    scenarios, problems = read_text(text, folder, journey, surroundings(project, ROOT))
    assert not problems, "\n".join(map(str, problems))
    return list(run_scenarios(define(project, ROOT), scenarios))
