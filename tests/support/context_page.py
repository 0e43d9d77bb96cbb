"""The example of docs/profile-context.md as a project: who is in delivery range gets lunch."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.scenario_projects import ROOT, copy_shipped

PAGE = (ROOT / "docs" / "profile-context.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The page's only example of this kind."""
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def write_lunch(root: Path, journey: str | None = None) -> Path:
    """The project's root; `journey` is another text of journey.yaml."""
    copy_shipped(root)
    profile = root / "statemachines" / "profile.yaml"
    shipped = profile.read_text(encoding="utf-8")  # the shipped segments read it
    profile.write_text(f"{shipped}\n{block('yaml profile')}", encoding="utf-8")
    folder = root / "statemachines" / "journeys" / "lunch"
    (folder / "templates").mkdir(parents=True)
    text = journey or block("yaml journey")
    (folder / "journey.yaml").write_text(text, encoding="utf-8")
    (folder / "templates" / "hungry.yaml").write_text(block("yaml template"), encoding="utf-8")
    return root
