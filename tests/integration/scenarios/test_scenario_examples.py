"""The examples of docs/scenarios.md pass as they stand there, and its tables name what there is."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from stepwell.simulation.scenarios.documents import EXPECTED, GivenDocument
from stepwell.simulation.scenarios.terminal import show_result
from tests.support.scenario_projects import ROOT, run_text

PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml scenarios\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_passes(text: str, tmp_path: Path) -> None:
    results = run_text(text, tmp_path, "cart_abandonment")
    assert {each.scenario.name: list(each.lines()) for each in results if not each.passed} == {}


def test_the_failing_example_is_what_is_printed(tmp_path: Path) -> None:
    right = "{at: Tue 14:45, suppressed: Stylist suggestion, because: no_consent}"
    wrong = EXAMPLES[0].replace(right, "{at: Tue 14:45, sent: Stylist suggestion, by: sms}")
    *_, result = run_text(wrong, tmp_path, "cart_abandonment")
    out = io.StringIO()
    show_result(Console(file=out, highlight=False), result, story=False)
    (shown,) = re.findall(r"^```text failing\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert out.getvalue().strip() == shown.strip()


def test_everything_that_may_be_given_is_told_of() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(GivenDocument.model_fields)


def test_everything_that_may_be_expected_is_told_of() -> None:
    expecting = PAGE.split("## Expect")[1]
    assert {kind for kind in EXPECTED if f"{kind}: " in expecting} == set(EXPECTED)
