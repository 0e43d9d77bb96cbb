"""No rule of a firewall that looks into bodies may block: checked on the written templates.

An event's properties are whatever an app has: URLs, HTML, SQL. Whoever is blocked for them gets a
403, and SDKs drop what gets one: events would be lost, unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

BY_ADDRESS = frozenset({"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList"})
"""AWS's groups whose rules look at addresses only. Of every other one it is taken that they look
into bodies, and of groups whose rules are not in the template as well.
"""
_HOLDERS = ("AWS::WAFv2::WebACL", "AWS::WAFv2::RuleGroup")
_BODIES = ("Body", "JsonBody")
_GROUPS = ("ManagedRuleGroupStatement", "RuleGroupReferenceStatement")
_REMEDY = "Let it count: `action: count` for a rule, `override_action: count` for a group."


def blocking_body_rules(template: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(logical id, what is wrong, what to do) for each rule that may block by a body."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] not in _HOLDERS:
            continue
        for rule in resource["Properties"].get("Rules", ()):
            reason = inspects_bodies(rule["Statement"])
            if reason and not only_counts(rule):
                wrong = (
                    f"firewall rule {rule['Name']} may block a call for {reason}: batches hold "
                    "URLs and HTML, and SDKs drop what gets a 403"
                )
                yield logical_id, wrong, _REMEDY


def only_counts(rule: Mapping[str, Any]) -> bool:
    action = rule.get("Action") or rule.get("OverrideAction") or {}
    return action.keys() == {"Count"}


def inspects_bodies(statement: Mapping[str, Any]) -> str:
    """What in the statement looks into bodies; empty when nothing does."""
    for name, value in _parts(statement):
        if name in _BODIES:
            return "what its body holds"
        if name in _GROUPS and value.get("Name") not in BY_ADDRESS:
            group = value.get("Name", "a group whose rules are elsewhere")
            return f"what {group} finds, which may look into bodies"
    return ""


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member by its name, at any depth: statements nest (and, or, not, scope-down)."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield name, each
            yield from _parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each)
