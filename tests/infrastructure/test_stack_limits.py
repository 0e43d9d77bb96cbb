"""CloudFormation's limits: counted in what is written, told before and refused past them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnOutput, CfnWaitConditionHandle, Stack, Validations

from infra.compiled import Compiled
from infra.template_rules import TemplateRules
from stepwell.cli import main
from stepwell.journeys.compiler.stack_limits import (
    BYTES,
    StackSize,
    of_definitions,
    problems_of,
    written,
)
from tests.infrastructure.synthesized import Synthesized


def told(resources: int, size: int) -> list[tuple[str, str]]:
    stack = StackSize("stepwell-prod-engine", "cdk.out/x.template.json", size, resources)
    return [(each.code, each.message) for each in problems_of(stack)]


def test_limits_are_told_from_80_percent_on_and_refused_past_them() -> None:
    assert told(400, 800_000) == []
    assert [code for code, _ in told(401, 0)] == ["SW900"]
    assert [code for code, _ in told(500, BYTES)] == ["SW900", "SW900"]
    assert [code for code, _ in told(501, BYTES + 1)] == ["SW901", "SW901"]


def test_limits_are_told_with_stack_numbers_and_what_to_do() -> None:
    (problem,) = problems_of(StackSize("stepwell-prod-journeys", "f", 950_000, 60))
    assert "stepwell-prod-journeys has 950,000 bytes of template, 95 %" in problem.message
    assert "draining" in problem.remedy
    (other,) = problems_of(StackSize("stepwell-prod-engine", "f", 1_000, 450))
    assert "450 resources, 90 % of CloudFormation's 500" in other.message
    assert "stack of its own" in other.remedy


def test_limits_of_the_shipped_stacks_are_far(synthesized: Synthesized) -> None:
    sizes = written(synthesized.folder)
    assert [each.name for each in sizes] == [
        *("stepwell-local-data", "stepwell-local-engine", "stepwell-local-journeys")
    ]
    for each in sizes:
        assert not list(problems_of(each))
        template = synthesized.templates[each.name.rpartition("-")[2]]
        assert each.resources == len(template["Resources"])


def test_limits_definitions_are_most_of_the_journeys_stack(
    synthesized: Synthesized, compiled: Compiled
) -> None:
    """So the warning that needs no templates comes in time: the more journeys, the less weighs
    what is there once.
    """
    [stack] = [each for each in written(synthesized.folder) if each.is_of_journeys]
    once = {
        name: each
        for name, each in synthesized.templates["journeys"]["Resources"].items()
        if not each["Type"].startswith("AWS::StepFunctions::")
    }
    alone = of_definitions(compiled.machines.values()).size
    assert 0.85 * (stack.size - len(json.dumps(once, indent=1))) < alone <= stack.size


def synthesize(folder: Path, text: str) -> None:
    app = App(outdir=str(folder))
    stack = Stack(app, "big-journeys")
    CfnWaitConditionHandle(stack, "Nothing")
    CfnOutput(stack, "Text", value=text)
    Validations.of(app).add_plugins(TemplateRules())
    app.synth()


def test_limits_stop_the_synthesis(tmp_path: Path) -> None:
    synthesize(tmp_path / "fits", "x" * 900_000)
    with pytest.raises(RuntimeError, match="big-journeys has 1,0"):
        synthesize(tmp_path / "large", "x" * BYTES)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The shipped project, with room for templates."""
    for name in ("statemachines", "events"):
        (tmp_path / name).symlink_to(Path(name).resolve(), target_is_directory=True)
    return tmp_path


def check(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    status = main.main(["check", "--json", "--root", str(root)])
    return status, json.loads(capsys.readouterr().out)


def test_check_warns_of_what_was_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(project, capsys) == (0, [])
    template = project / "cdk.out" / "stepwell-prod-engine.template.json"
    template.parent.mkdir()
    template.write_text(json.dumps({"Resources": {str(each): {} for each in range(501)}}))
    status, (warning,) = check(project, capsys)
    assert status == 0  # it may be older than what there is now; `make synth` fails
    assert (warning["code"], warning["severity"]) == ("SW901", "warning")
    assert "stepwell-prod-engine has 501 resources" in warning["message"]


def test_check_fails_for_definitions_that_cannot_be_deployed(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepwell.journeys.compiler.stack_limits.BYTES", 50_000)
    status, (problem,) = check(project, capsys)
    assert status == 1
    assert (problem["code"], problem["severity"]) == ("SW901", "error")
    assert problem["file"] == "statemachines/journeys"
