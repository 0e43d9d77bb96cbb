"""Every example of the README and the guide works as it stands there.

Journeys and policies compile; commands run; calls are taken by the real front door and router, on
the store in memory instead of a network; links lead somewhere.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from stepwell.cli import http, main
from stepwell.customers.overview import find_customer
from stepwell.events.registry import Registry
from stepwell.journeys.compiler.profile.assembling import read_declarations
from stepwell.journeys.compiler.profile.signals import read_signals
from stepwell.journeys.compiler.project import read_registry
from stepwell.messages.imprint import Imprint, completed
from stepwell.messages.policies import load_policies, policies_document
from stepwell.messages.templates import render
from stepwell.profile.rules import ProfileRules
from tests.support.fakes import plain_hasher
from tests.support.memory_api import MemoryApi
from tests.support.stage_parts import bundle_folder

PAGES = [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]
PAGES += [Path("events/replays/first_two_days/README.md")]
FENCE = re.compile(r"^```(\w*) ?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


@dataclass(frozen=True)
class Example:
    page: Path
    language: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.strip().splitlines()[0][:40]}"


def _read(page: Path) -> list[Example]:
    return [Example(page, *found) for found in FENCE.findall(page.read_text(encoding="utf-8"))]


EXAMPLES = [example for page in PAGES for example in _read(page)]


def _of(language: str, kind: str = "") -> list[Example]:
    return [each for each in EXAMPLES if (each.language, each.kind) == (language, kind)]


def _commands(first_word: str) -> list[list[str]]:
    """Shell commands, continued lines and quoted line breaks included, comments left out."""
    found: list[list[str]] = []
    for example in _of("sh"):
        text = ""
        for line in example.text.splitlines(keepends=True):
            text += line
            try:
                words = shlex.split(text, comments=True)
            except ValueError:
                continue  # a quotation goes on in the next line
            text = ""
            if words and words[0] == first_word:
                found.append(words)
        assert not text, f"{example}: an open quotation"
    return found


# ---------------------------------------------------------------- the API, without a network


@cache
def shipped_registry() -> Registry:
    """What the examples are held to."""
    return Registry(read_registry(Path()).versions)


@cache
def shipped_rules() -> ProfileRules:
    """The traits and segments of the project itself, and the list that pages speak of."""
    folder, bundle = bundle_folder()
    shipped = load_policies((Path(folder.name) / bundle.policies_key).read_text()).profile
    return ProfileRules({**shipped.document, "lists": ["beta_testers"]})


def _curl(api: MemoryApi, words: list[str]) -> http.Answer:
    url = next(word for word in words if word.startswith("http://localhost:8080/"))
    arguments = [word for word in words[1:] if word != url]
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options["-H"] == "Content-Type: application/json"
    credentials = base64.b64encode(options["-u"].encode()).decode()
    return api.post(urlsplit(url).path, f"Basic {credentials}", options["-d"].encode())


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> MemoryApi:
    """An API that has got every event of the pages, behind the command line's HTTP calls."""
    api = MemoryApi(shipped_rules(), shipped_registry())
    monkeypatch.setattr(http, "_once", api.answer)
    for words in _commands("curl"):
        assert _curl(api, words).status == 200
    return api


# ---------------------------------------------------------------- tests


def test_there_are_examples_of_every_kind() -> None:
    assert len(_commands("curl")) >= 3
    assert len(_commands(".venv/bin/stepwell")) >= 7
    assert {each.page for each in _of("yaml", "journey")} >= {
        Path("README.md"),
        Path("docs/journeys.md"),
    }


@pytest.mark.parametrize("example", _of("yaml", "journey"), ids=str)
def test_journey_compiles(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the templates of the same page, under the name that the journey uses."""
    name = _named(r"^journey: (\w+)", example.text)
    folder = tmp_path / "statemachines" / "journeys" / name
    (folder / "templates").mkdir(parents=True)
    shutil.copytree("events/schemas", tmp_path / "events" / "schemas")
    for path in Path("statemachines").glob("*.yaml"):
        shutil.copy(path, tmp_path / "statemachines")
    (folder / "journey.yaml").write_text(example.text, encoding="utf-8")
    for each in (each for each in _of("yaml", "profile") if each.page == example.page):
        _add_to_profile(tmp_path / "statemachines" / "profile.yaml", each.text)
    template = next(each for each in _of("yaml", "template") if each.page == example.page)
    used = _named(r"template: (\w+)", example.text)
    (folder / "templates" / f"{used}.yaml").write_text(template.text, encoding="utf-8")
    for declared in _of("yaml", "destinations"):
        if declared.page == example.page:
            (tmp_path / "statemachines" / "destinations.yaml").write_text(declared.text)
    code = main.main(["check", "--root", str(tmp_path)])
    assert code == 0, capsys.readouterr().err


def _add_to_profile(path: Path, text: str) -> None:
    """The shipped segments read what the shipped profile computes: both stay."""
    shipped, more = (YAML(typ="safe").load(each) for each in (path.read_text("utf-8"), text))
    computed = {**shipped["computed"], **more.get("computed", {})}
    path.write_text(json.dumps({**shipped, **more, "computed": computed}), encoding="utf-8")


@pytest.mark.parametrize("example", _of("yaml", "email"), ids=str)
def test_email_prints_what_it_would_get_otherwise(example: Example, tmp_path: Path) -> None:
    fields = YAML(typ="safe").load(example.text)["email"]
    variables = Imprint("https://a.example", "1 Street").variables("https://a.example/v1/u")
    content = render(fields, variables)
    assert completed(content, fields, variables) == content
    assert all(text in content[part] for part in ("text", "html") for text in variables.values())


@pytest.mark.parametrize("example", _of("yaml", "policies"), ids=str)
def test_policies_are_read(example: Example) -> None:
    policies = load_policies(json.dumps(policies_document(example.text)))
    assert "marketing" in policies.purposes


@pytest.mark.parametrize("example", _of("yaml", "identities"), ids=str)
def test_identities_are_read(example: Example) -> None:
    shipped = Path("statemachines/policies.yaml").read_text(encoding="utf-8")
    policies = load_policies(json.dumps(policies_document(f"{shipped}\n{example.text}")))
    assert policies.identities != load_policies(json.dumps(policies_document(shipped))).identities


@pytest.mark.parametrize("example", [*_of("yaml", "profile"), *_of("yaml", "segments")], ids=str)
def test_profiles_and_segments_are_read(example: Example, tmp_path: Path) -> None:
    (tmp_path / "statemachines").mkdir()
    shutil.copy("statemachines/signals.yaml", tmp_path / "statemachines")
    for kind in ("profile", "segments"):
        path = tmp_path / "statemachines" / f"{kind}.yaml"
        shutil.copy(f"statemachines/{kind}.yaml", path)
        if example.kind == kind:
            path.write_text(example.text, encoding="utf-8")
        elif kind == "segments":
            path.unlink()
    declared = read_declarations(tmp_path, read_registry(Path()))
    assert declared.problems == ()
    assert declared.document


@pytest.mark.parametrize("example", _of("yaml", "signals"), ids=str)
def test_signals_are_read(example: Example, tmp_path: Path) -> None:
    (tmp_path / "statemachines").mkdir()
    (tmp_path / "statemachines" / "signals.yaml").write_text(example.text, encoding="utf-8")
    document, problems = read_signals(tmp_path)
    assert document is not None
    assert problems == []


def test_a_customers_signals_are_shown_as_the_page_says(
    api: MemoryApi, capsys: pytest.CaptureFixture[str]
) -> None:
    [page] = [each for each in _of("text", "shown") if each.page.name == "signals.md"]
    assert main.main(["customer", "chat-customer"]) == 0
    shown = capsys.readouterr().out.splitlines()
    moment = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
    assert moment.sub("", page.text.rstrip("\n")) in [moment.sub("", line) for line in shown]


@pytest.mark.parametrize("words", _commands(".venv/bin/stepwell"), ids=" ".join)
def test_command_runs(words: list[str], api: MemoryApi, capsys: pytest.CaptureFixture[str]) -> None:
    if words[1] == "customer" and find_customer(api.store, plain_hasher, words[2]) is None:
        assert main.main(["send", "events/replays/first_two_days/events.jsonl"]) == 0
    assert main.main(words[1:]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


@pytest.mark.parametrize("words", _commands("make"), ids=" ".join)
def test_make_target_exists(words: list[str]) -> None:
    text = Path("Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{words[1]}:.*## ", text, re.MULTILINE)
    assert all(f"{word.split('=')[0]}=" in text for word in words[2:])


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [each for each in targets if not (page.parent / each).exists()] == []


def _named(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found, f"no {pattern}"
    return found[1]


def _console_commands() -> list[list[str]]:
    """What `stepwell` is told in consoles, where its environment is shown but not had here."""
    found = []
    for example in _of("console"):
        text = example.text.replace("\\\n", " ")
        for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if ".venv/bin/stepwell" in words:
                found.append(words[words.index(".venv/bin/stepwell") + 1 :])
    return found


@pytest.mark.parametrize("words", _console_commands(), ids=" ".join)
def test_command_of_a_console_is_one_that_there_is(words: list[str]) -> None:
    assert main._parser().parse_args(words).run


def test_there_are_commands_in_consoles() -> None:
    assert {"replay", "quarantine", "events"} <= {words[0] for words in _console_commands()}
