"""The workflow to copy: it runs what there is, trusts nothing that moves, and may do little."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

FILE = Path("docs/github/deploy.yml")
TEXT = FILE.read_text(encoding="utf-8")
WORKFLOW: Any = YAML(typ="safe").load(TEXT)
PAGE = Path("docs/deploying.md").read_text(encoding="utf-8")
OF_THE_RUNNER = {"printf", "head"}
SETTINGS = {"STAGE", "AWS_REGION", "AWS_DIFF_ROLE", "AWS_DEPLOY_ROLE"}


def steps(job: str) -> list[Any]:
    return list(WORKFLOW["jobs"][job]["steps"])


def commands() -> Iterator[list[str]]:
    for job in WORKFLOW["jobs"]:
        for step in steps(job):
            for line in step.get("run", "").splitlines():
                yield shlex.split(line)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", Path("Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_command_is_one_that_there_is(words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert set(arguments) <= targets()
    elif program == "npx":
        assert "aws-cdk" in Path("package.json").read_text()
        assert arguments[:2] in (["cdk", "diff"], ["cdk", "deploy"])
    elif program == "npm":
        assert arguments[0] == "ci"
        assert Path("package-lock.json").is_file()
    elif program == "gh":
        assert arguments[:2] == ["pr", "comment"]
    else:
        assert program in OF_THE_RUNNER


def test_what_is_asked_for_is_all_there() -> None:
    run = [" ".join(words) for words in commands()]
    assert {"make check", "make test", "make synth"} <= set(run)
    assert any(each.startswith("npx cdk diff") for each in run)
    assert any(each.startswith("npx cdk deploy") and "--all" in each for each in run)
    assert any(each.startswith("gh pr comment") for each in run)


def test_actions_are_pinned_to_a_commit_and_say_which_version_that_is() -> None:
    lines = [line for line in TEXT.splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    versions = {line.partition("uses: ")[2] for line in lines}
    assert len(versions) == len({each.partition("@")[0] for each in versions})


def test_jobs_may_do_no_more_than_they_need() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: dict(job["permissions"]) for name, job in WORKFLOW["jobs"].items()} == {
        "test": {"contents": "read"},
        "diff": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "deploy": {"contents": "read", "id-token": "write"},
    }
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 60
    checkouts = [
        step
        for job in WORKFLOW["jobs"]
        for step in steps(job)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert len(checkouts) == 3
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_no_key_is_kept_and_two_roles_are_told_apart() -> None:
    assert "secrets." not in TEXT
    assert "aws-access-key" not in TEXT
    roles = {
        job: step["with"]["role-to-assume"]
        for job in WORKFLOW["jobs"]
        for step in steps(job)
        if "configure-aws-credentials" in step.get("uses", "")
    }
    assert roles == {
        "diff": "${{ vars.AWS_DIFF_ROLE }}",
        "deploy": "${{ vars.AWS_DEPLOY_ROLE }}",
    }


def test_only_main_is_deployed_after_its_tests_and_forks_get_no_role() -> None:
    deploy, diff = WORKFLOW["jobs"]["deploy"], WORKFLOW["jobs"]["diff"]
    assert WORKFLOW["on"]["push"] == {"branches": ["main"]}
    assert (deploy["if"], deploy["needs"]) == ("github.event_name == 'push'", "test")
    assert "environment" in deploy
    assert "head.repo.full_name == github.repository" in diff["if"]


def test_no_text_of_a_pull_request_becomes_a_command() -> None:
    """`${{ … }}` in a script is pasted into it; what strangers write comes as a variable."""
    assert "pull_request_target" not in TEXT
    for job in WORKFLOW["jobs"]:
        for step in steps(job):
            assert "${{" not in step.get("run", "")


def test_page_says_what_has_to_be_set() -> None:
    used = set(re.findall(r"vars\.([A-Z_]+)", TEXT))
    assert used == SETTINGS
    for name in used:
        assert f"`{name}`" in PAGE
    assert "(github/deploy.yml)" in PAGE
