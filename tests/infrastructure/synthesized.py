"""The synthesized templates as the tests read them: resources by type, references as short text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.compiled import Compiled, compile_journeys
from infra.layers import ROOT, STEPWELL
from infra.stacks.engine import Sources

_EXPORT = re.compile(r"ExportsOutput(?:FnGetAtt|Ref)([A-Za-z]+?)[0-9A-F]{8}")
_HASH = re.compile(r"[0-9A-F]{8}$")


def example_sources(folder: Path) -> Sources:
    """The repository's code; in place of the dependencies a layer of one file."""
    layer = folder / "dependencies"
    (layer / "python").mkdir(parents=True, exist_ok=True)
    (layer / "python" / "nothing.py").write_text("")
    return Sources(
        functions=ROOT / "functions",
        stepwell=STEPWELL,
        dependencies=layer,
        send_message=ROOT / "statemachines" / "send_message.asl.json",
        fallback=ROOT / "statemachines" / "fallback.asl.json",
        description=ROOT / "docs" / "openapi.json",
    )


def compiled_journeys(folder: Path) -> Compiled:
    return compile_journeys(ROOT / "statemachines", folder / "bundle")


def short(value: Any) -> str:
    """A reference as text: `<AWS::Region>`, `Key.Arn` of another stack, `EventsQueue.Arn`."""
    if isinstance(value, str):
        return value
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(short(part) for part in parts)
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return f"{_HASH.sub('', logical_id)}.{attribute}"
        case {"Fn::ImportValue": str(export)}:
            found = _EXPORT.search(export)
            return f"{found[1]}.Arn" if found else export
        case {"Ref": str(name)}:
            return f"<{name}>" if name.startswith("AWS::") else _HASH.sub("", name)
    raise AssertionError(f"not a reference: {value}")


@dataclass(frozen=True)
class Synthesized:
    """The cloud assembly in `folder`; templates by the stack's last word."""

    folder: Path
    templates: Mapping[str, Mapping[str, Any]]

    def of_type(self, kind: str, stack: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(logical id, resource) of every resource of a type."""
        for name, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind and stack in {"", name}:
                    yield logical_id, resource

    def properties(self, kind: str, stack: str = "") -> list[Mapping[str, Any]]:
        return [resource["Properties"] for _, resource in self.of_type(kind, stack)]

    def functions(self) -> dict[str, Mapping[str, Any]]:
        """Stepwell's functions by their name after the stage; CDK's own has no name."""
        found = self.properties("AWS::Lambda::Function", "engine")
        return {each["FunctionName"].removeprefix("stepwell-local-"): each for each in found}

    def queues(self) -> dict[str, Mapping[str, Any]]:
        found = self.properties("AWS::SQS::Queue")
        return {each["QueueName"].removeprefix("stepwell-local-"): each for each in found}

    def machines(self) -> dict[str, Mapping[str, Any]]:
        """State machines by their name after the stage."""
        found = self.properties("AWS::StepFunctions::StateMachine")
        return {each["StateMachineName"].removeprefix("stepwell-local-"): each for each in found}

    def role(self, reference: Any) -> Mapping[str, Any]:
        """The role that a function's or machine's role property refers to."""
        logical_id = reference["Fn::GetAtt"][0]
        return next(
            template["Resources"][logical_id]["Properties"]
            for template in self.templates.values()
            if logical_id in template["Resources"]
        )

    def asset(self, key: str) -> Path:
        """The folder in the assembly behind an asset's key in S3."""
        return self.folder / f"asset.{key.removesuffix('.zip')}"


def read_assembly(folder: Path) -> Synthesized:
    templates = {
        path.name.removesuffix(".template.json").rpartition("-")[2]: json.loads(path.read_text())
        for path in folder.glob("*.template.json")
    }
    return Synthesized(folder, templates)


def definition(machine: Mapping[str, Any]) -> Mapping[str, Any]:
    """A machine's definition with its references as short text."""
    loaded: Mapping[str, Any] = json.loads(short(machine["DefinitionString"]))
    return loaded


def states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every state, those inside Parallel and Map too."""
    pending = [definition(machine)]
    while pending:
        graph = pending.pop()
        for name, state in graph["States"].items():
            yield name, state
            pending.extend(state.get("Branches", ()))
            pending.extend(state[key] for key in ("ItemProcessor", "Iterator") if key in state)


def statements(role: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
