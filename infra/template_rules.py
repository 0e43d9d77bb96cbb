"""Rules of our own about the written templates; a finding stops the synthesis, as cdk-nag's do.

They read what CloudFormation will get, so that nothing escapes them: not an override of a property,
not a resource that somebody else's construct makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

from infra.body_rules import blocking_body_rules
from stepwell.journeys.compiler import stack_limits

Finding = tuple[str, str, str]
"""Logical id or stack, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    check: Callable[[Path], Iterator[Finding]]


def _bodies(template: Path) -> Iterator[Finding]:
    yield from blocking_body_rules(json.loads(template.read_text()))


def _limits(template: Path) -> Iterator[Finding]:
    stack = stack_limits.measure(template)
    for problem in stack_limits.problems_of(stack):
        if problem.code == stack_limits.PAST_CODE:
            yield stack.name, problem.message, problem.remedy


RULES = (Rule("Stepwell-BodyRulesCount", _bodies), Rule("Stepwell-StackLimits", _limits))


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
            for finding in rule.check(Path(path))
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(rule: Rule, path: str, finding: Finding) -> PolicyViolation:
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
