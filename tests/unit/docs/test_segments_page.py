"""What docs/segments.md shows is what the command prints, and its file of a list is one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli import http
from stepwell.cli.list_file import Line, open_list
from stepwell.cli.main import main
from stepwell.messages.policies import load_policies
from tests.support.memory_api import NOW, MemoryApi
from tests.support.stage_parts import bundle_folder
from tests.support.world import event

PAGE = Path("docs/segments.md").read_text(encoding="utf-8")


def test_an_explanation_is_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, bundle = bundle_folder()
    api = MemoryApi(load_policies((Path(folder.name) / bundle.policies_key).read_text()).profile)
    monkeypatch.setattr(http, "_once", api.answer)
    for number, days in enumerate((90, 40, 2)):
        at = api.now = NOW - timedelta(days=days)
        order: dict[str, Any] = {"number": str(number), "properties": {"revenue": 20.0}}
        api.send([event("Order Completed", at=at, **order)])
    api.now = NOW
    assert main(["segment", "explain", "regulars", "ada"]) == 0
    shown = re.search(r"^```text explain\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert shown
    assert capsys.readouterr().out.startswith(shown[1])


def test_the_file_of_the_page_is_read_whole() -> None:
    (path,) = set(re.findall(r"list import beta_testers (\S+)", PAGE))
    lines = list(open_list(Path(path)).read())
    assert lines == [
        Line(2, "user_id", "ada", {"plan": "pro", "seats": 3}),
        Line(3, "email", "grace@example.com", {"plan": "free", "seats": 1}),
    ]
