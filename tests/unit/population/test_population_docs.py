"""The page about populations: its examples work, and its numbers are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.source import parse_yaml
from stepwell.simulation.population import sources
from stepwell.simulation.population.reader import parse_population
from stepwell.simulation.population.sources import read_events
from stepwell.simulation.population.values import read_value
from tests.support.populations import shop

PAGE = Path("docs/populations.md")
TEXT = PAGE.read_text(encoding="utf-8")


def _example(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_population_of_the_page_is_read() -> None:
    population = parse_population(_example("yaml population"), str(PAGE), shop())
    assert [each.name for each in population.behaviours] == ["fills a cart", "starts a trial"]
    assert population.responses[0].step == "stylist_suggestion"


def test_the_events_of_the_page_are_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(_example("json"), encoding="utf-8")
    assert read_events(path).customers == 1


def test_every_way_to_make_a_value_of_the_page_is_one() -> None:
    table = TEXT[TEXT.index("| a value |") : TEXT.index("`after` is")]
    written = [
        each.replace("…", "carried: cart_value")
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for each in re.findall(r"`([^`]+)`", row)
    ]
    assert len(written) == 13
    for each in written:
        source, _ = parse_yaml(f"x: {each}", "p")
        assert source
        schema: dict[str, Any] = {"properties": {"x": {}}}
        value, wrong = read_value(
            "x", source.data["x"], above=["price"], schema=schema, before=None
        )
        assert (value is not None, wrong) == (True, []), each


def test_the_sizes_of_parts_are_as_said() -> None:
    said = re.search(r"parts of (\d+) \(of an events file (\d+)", TEXT)
    assert said
    assert (int(said[1]), int(said[2])) == (sources.CHUNK, sources.EVENTS_CHUNK)
