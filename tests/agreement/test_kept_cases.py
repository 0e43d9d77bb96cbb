"""Cases that showed a difference once, and cases of faults; `about` in each file says what it was.

A file under `kept/` is a case as the failing test printed it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agreement.cases import read_case
from tests.agreement.on_moto import play_on_moto
from tests.agreement.on_simulation import play_on_simulator
from tests.agreement.telling import differences

KEPT = sorted((Path(__file__).parent / "kept").glob("*.yaml"))


def test_there_are_kept_cases_and_each_says_what_it_is_about() -> None:
    assert KEPT
    assert [path.name for path in KEPT if not read_case(path.read_text()).about] == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_case_agrees(path: Path) -> None:
    case = read_case(path.read_text(encoding="utf-8"))
    different = differences(play_on_moto(case), play_on_simulator(case))
    assert not different, different
