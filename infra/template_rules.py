"""Rules of our own about the written templates; a finding stops the synthesis, as cdk-nag's do.

They read what CloudFormation will get, so that nothing escapes them: not an override of a property,
not a resource that somebody else's construct makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from infra.body_rules import blocking_body_rules

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    check: Callable[[Template], Iterable[tuple[str, str, str]]]
    """(logical id, what is wrong, what to do) of each finding."""


RULES = (Rule("Stepwell-BodyRulesCount", blocking_body_rules),)


@jsii.implements(IPolicyValidationPlugin)
class TemplateRules:
    """`Validations.of(app).add_plugins(TemplateRules())`."""

    @property
    def name(self) -> str:
        return "stepwell"

    @property
    def rule_ids(self) -> list[str]:
        return [rule.name for rule in RULES]

    @property
    def version(self) -> str:
        return "1.0.0"

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        violations = [
            _violation(rule, path, finding)
            for path in context.template_paths
            for rule in RULES
            for finding in rule.check(json.loads(Path(path).read_text()))
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(rule: Rule, path: str, finding: tuple[str, str, str]) -> PolicyViolation:
    resource, message, remedy = finding
    return PolicyViolation(
        rule_name=rule.name,
        description=message,
        fix=remedy,
        severity="error",
        violating_resources=[
            PolicyViolatingResource(
                resource_logical_id=resource, template_path=path, locations=[message]
            )
        ],
    )
