"""The section `context` of profile.yaml: what is read, and everything that is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.profile.assembling import read_declarations
from stepwell.profile.context import ContextRules, Part, load_context

PURPOSES = ("marketing", "service")


def read(folder: Path, text: str) -> tuple[Any, list[Problem]]:
    (folder / "statemachines").mkdir()
    (folder / "statemachines" / "profile.yaml").write_text(text, encoding="utf-8")
    found = read_declarations(folder, None, PURPOSES)
    return found.document.get("context"), sorted(found.problems)


def said(problems: list[Problem]) -> list[tuple[int, str, str]]:
    return [(each.place.line, each.code, each.message) for each in problems]


def test_declared_parts_are_read(tmp_path: Path) -> None:
    document, problems = read(
        tmp_path,
        """\
context:
  place: {purposes: [service], keep: 30d, precision_km: 1, names: [country, city]}
  device: {purposes: [marketing, service], keep: 365d}
  locale: {purposes: [marketing], keep: 52w}
  zone: {keep: never}
""",
    )
    assert not problems
    assert load_context(document or {}) == ContextRules(
        {
            "place": Part(("service",), timedelta(days=30), 1.0, ("city", "country")),
            "device": Part(("marketing", "service"), timedelta(days=365)),
            "locale": Part(("marketing",), timedelta(days=364)),
        },
        zone=False,
    )


@pytest.mark.parametrize("text", ["", "computed: {}\n"])
def test_file_without_the_section_declares_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == (None, [])


def test_project_without_the_file_declares_nothing(tmp_path: Path) -> None:
    assert "context" not in read_declarations(tmp_path, None, PURPOSES).document


def test_coordinates_are_kept_only_with_a_precision(tmp_path: Path) -> None:
    document, problems = read(tmp_path, "context: {place: {purposes: [service], keep: 1d}}\n")
    assert not problems
    assert load_context(document or {}).parts["place"].precision_km is None


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        """\
context:
  place:
    purposes: [servise, marketing]
    keep: 30 days
    precision_km: 0.01
    names: [street]
  device: {purposes: [], keep: 4000d, precision_km: 1}
  locale:
  zone: {keep: 30d}
  speed: {purposes: [service], keep: 1d}
""",
    )
    assert said(problems) == [
        (4, "SW105", "'30 days' is not a duration; write one like 45m, 12h, 3d or 1d12h"),
        (6, "SW103", "'street' is none of city, region or country"),
        (7, "SW101", "unknown key `precision_km`"),
        (7, "SW103", "needs at least 1 entry"),
        (8, "SW103", "nothing where a mapping (key: value lines) belongs"),
        (9, "SW103", "'30d' is none of never"),
        (10, "SW101", "unknown key `speed`"),
    ]


def test_purposes_and_limits_are_checked(tmp_path: Path) -> None:
    _, problems = read(
        tmp_path,
        """\
context:
  place: {purposes: [service, servise], keep: 4000d, precision_km: 0.01}
  device: {purposes: [promotion], keep: 1d}
""",
    )
    assert said(problems) == [
        (2, "SW1042", "it is kept for over ten years"),
        (2, "SW1042", "0.01 km is no precision from 0.1 to 1,000 km"),
        (2, "SW1041", "there is no purpose 'servise'"),
        (3, "SW1041", "there is no purpose 'promotion'"),
    ]
    assert problems[2].remedy.startswith('Did you mean "service"?')


def test_place_of_which_nothing_is_kept_is_a_problem(tmp_path: Path) -> None:
    text = "context: {place: {purposes: [service], keep: 1d, names: []}}\n"
    _, problems = read(tmp_path, text)
    assert said(problems) == [(1, "SW1042", "nothing of a place is kept")]
