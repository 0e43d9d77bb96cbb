"""Why a customer is in a segment or not: the condition part by part, and what it was read from.

Pure: a snapshot, the rules and a moment in, JSON out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import compile_tree
from stepwell.conditions.reading import read_paths
from stepwell.conditions.shown import as_json
from stepwell.conditions.tree import Tree, whole_source
from stepwell.customers.snapshot import Snapshot
from stepwell.profile.audience import SEGMENTS, Audience, inside_now, needed_segments
from stepwell.profile.evidence import evidence_of
from stepwell.profile.living import next_change
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view
from stepwell.timestamps import to_text

_CHAINS = ("&&", "||", "!", "?:")


def explain(person: Snapshot, rules: ProfileRules, name: str, now: datetime) -> dict[str, Any]:
    """What there is to be told of it; raises UnknownAudienceError.

    `inside` is so now, `since` as it is kept (None: no event and no sweep has found it yet). `why`
    is the condition: {condition, value, error?, is and parts, or reads}; `computed` has by name
    what the computed traits in it were told from. `changes_at` is when time alone may change it
    next, None if never.
    """
    audience = Audience(SEGMENTS, name, rules)
    inside = inside_now(person, rules, audience.needed, now)
    why = explain_condition(person, rules, name, now)
    context = {"customer": customer_view(person, rules, now, inside), "now": now}
    segments = {each.name: each for each in audience.needed}
    moment = next_change(person, rules, segments, context, now)
    return {
        "segment": name,
        "customer": person.customer,
        "at": to_text(now),
        "inside": inside[name],
        "since": audience.since(person.profile or {}),
        "why": why,
        "computed": {
            each: evidence_of(each, person.profile, rules, now) for each in _computed_of(why, rules)
        },
        "changes_at": to_text(moment) if moment else None,
    }


def explain_condition(
    person: Snapshot, rules: ProfileRules, name: str, now: datetime
) -> dict[str, Any]:
    """The parts of one segment's condition with their values."""
    inside = inside_now(person, rules, needed_segments(rules, name), now)
    scope = {"customer": customer_view(person, rules, now, inside), "now": now}
    return _part(tree_of(rules, name), scope)


def tree_of(rules: ProfileRules, name: str) -> Tree:
    return next(each["when"] for each in rules.document["segments"] if each["name"] == name)


def _part(tree: Tree, scope: Mapping[str, Any]) -> dict[str, Any]:
    """A chain with its operands, or a single condition with what it reads."""
    found: dict[str, Any] = {"condition": whole_source(tree), **_value(tree, scope)}
    if tree[0] in _CHAINS:
        return found | {"is": tree[0], "parts": [_part(each, scope) for each in tree[1:]]}
    return found | {"reads": list(map(partial(_read, scope=scope), read_paths(tree)))}


def _read(tree: Tree, *, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The name, and the value where there is one."""
    found = _value(tree, scope)
    named = {"name": whole_source(tree)}
    return named | ({"value": found["value"]} if "error" not in found else {})


def _value(tree: Tree, scope: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"value": as_json(compile_tree(tree)(scope))}
    except ConditionError as error:
        return {"value": None, "error": str(error)}


def _computed_of(part: Mapping[str, Any], rules: ProfileRules) -> list[str]:
    """The computed traits that the parts read, and those of which these are made."""
    names = dict.fromkeys(
        name
        for path in _paths(part)
        for name in ([path] if path in rules.computed else rules.computed if not path else [])
    )
    for name in list(names):
        trait = rules.computed[name]
        names |= dict.fromkeys(each for each in (trait.of, trait.to) if each)
    return list(names)


def _paths(part: Mapping[str, Any]) -> Iterator[str]:
    """What follows `customer.computed.`; empty for the whole of it."""
    for each in part.get("reads", ()):
        first, _, rest = each["name"].removeprefix("customer.").partition(".")
        if first == "computed":
            yield rest.partition(".")[0]
    for each in part.get("parts", ()):
        yield from _paths(each)
