"""What is wrong in a file is said in words of ours, whoever found it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.journeys.compiler.destinations import EventBusDocument
from stepwell.journeys.compiler.documents import Document
from stepwell.journeys.compiler.profile.context import PartDocument
from stepwell.journeys.compiler.profile.documents import SegmentDocument
from stepwell.journeys.compiler.profile.signals import RepetitionDocument, SentimentDocument
from stepwell.journeys.compiler.source import Source, parse_yaml
from stepwell.journeys.compiler.validation import validated
from tests.support.journey_projects import found_in, write_project

REPEATED = {"messages": 3, "within": "15m"}


@pytest.mark.parametrize(
    ("model", "data", "said"),
    [
        (RepetitionDocument, REPEATED | {"within": "8d"}, "'8d' where at most 7d belongs"),
        (RepetitionDocument, REPEATED | {"messages": 1}, "1 where at least 2 belongs"),
        (RepetitionDocument, REPEATED | {"messages": 2.5}, "2.5 where a whole number belongs"),
        (SentimentDocument, {"is": "mixed", "at_least": "a"}, "'a' where a number belongs"),
        (
            SegmentDocument,
            {"when": "true", "everybody": "yes"},
            "'yes' where true or false belongs",
        ),
        (PartDocument, {"purposes": [], "keep": "1d"}, "needs at least 1 entry"),
        (EventBusDocument, {"detail_type": "x" * 129}, "takes at most 128 characters"),
    ],
)
def test_values_out_of_bounds(model: type[Document], data: dict[str, Any], said: str) -> None:
    _, problems = validated(Source("x.yaml", data), (), data, model)
    assert [each.message for each in problems] == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system ['id']", "a tag (!)"),
        ("x: &a {<<: *a}", "a merge (<<)"),
        ("a: " + "[" * 5_000, "nested too deeply"),
    ],
)
def test_what_no_parser_takes(text: str, said: str) -> None:
    source, problems = parse_yaml(text, "x.yaml")
    assert source is None
    (problem,) = problems
    assert said in problem.message
    assert "NoneType" not in problem.message
    assert "recursion" not in problem.message


def test_a_segment_that_reads_all_segments(tmp_path: Path) -> None:
    root = write_project(tmp_path, {})
    segments = "segments:\n  a: {when: size(customer.segments) > 1}\n"
    (root / "statemachines/segments.yaml").write_text(segments)
    (problem,) = found_in(root)
    assert problem.code == "SW1011"
    assert problem.message == "a reads all segments, and is one of them"


@pytest.mark.parametrize(
    ("content", "said"), [(b"# \xfc\n", "no UTF-8 text"), (b"# \x00\n", "a control character")]
)
def test_policies_that_are_no_text(tmp_path: Path, content: bytes, said: str) -> None:
    root = write_project(tmp_path, {})
    policies = root / "statemachines/policies.yaml"
    policies.write_bytes(policies.read_bytes() + content)
    (problem,) = found_in(root)
    assert problem.code == "SW406"
    assert said in problem.message
