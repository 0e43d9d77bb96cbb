"""Why a message was decided as it was: the rule that decided, and what the rules before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from stepwell.messages.timing import UNKNOWN_ZONE
from stepwell.timestamps import from_text

Show = Callable[[datetime], str]


_WAITED_FOR = {"quiet_hours": "time", "capped": "caps"}


def why(decision: Mapping[str, Any], show: Show) -> str:
    """`caps: marketing_2_per_day 2 of 2; no address on push`: first what the deciding rule says."""
    rules = decision.get("rules") or []
    if not rules:
        return str(decision.get("reason"))
    last = rules[-1]
    name = (
        _WAITED_FOR.get(last.get("waits_for", ""), "send")
        if last["rule"] == "wait"
        else last["rule"]
    )
    notes: dict[str, list[str]] = {}
    for rule in rules:
        notes.setdefault(rule["rule"], []).extend(_notes(rule, show))
    told = [
        *notes.pop("wait", []),
        *notes.pop(name, []),
        *(each for of in notes.values() for each in of),
    ]
    return f"{name}: {'; '.join(dict.fromkeys(told)) or last['result']}"


def _notes(rule: Mapping[str, Any], show: Show) -> list[str]:
    """What is worth telling of one rule's entry."""
    tell = _TELLING.get(rule["rule"])
    return list(tell(rule, show)) if tell else []


def _consent(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    refused = [name for name, each in rule["channels"].items() if not each["allowed"]]
    if refused:
        yield f"no {rule['purpose']} consent on {', '.join(refused)}"


def _reach(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    without = [name for name, count in rule["addresses"].items() if not count]
    if without:
        yield f"no address on {', '.join(without)}"
    for reason, count in rule.get("suppressed", {}).items():
        yield f"{count} suppressed by {reason}"


def _channel(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    if len(rule["order"]) > 1:
        yield f"first of {', '.join(rule['order'])}"


def _time(rule: Mapping[str, Any], show: Show) -> Iterator[str]:
    for name, each in rule["channels"].items():
        if each["until"]:
            yield f"{name} quiet until {show(from_text(each['until']))}"
        elif each["state"] == UNKNOWN_ZONE:
            yield f"no time zone known for {name}"


def _worth(rule: Mapping[str, Any], show: Show) -> Iterator[str]:
    if rule["result"] != "worthless":
        return
    if rule.get("worthless_from"):
        yield f"worthless from {show(from_text(rule['worthless_from']))}"
    else:
        yield f"deferred {rule['asked']} times already"


def _caps(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    for refusal in rule.get("refused", {}).values():
        yield from _counts(refusal["full"], rule["limits"])
    yield from _counts(rule.get("counts", {}), rule.get("limits", {}))


def _counts(counts: Mapping[str, int], limits: Mapping[str, int]) -> Iterator[str]:
    return (f"{name} {count} of {limits[name]}" for name, count in counts.items())


def _content(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    if rule["result"] != "rendered":
        yield str(rule["detail"])


def _send(rule: Mapping[str, Any], _show: Show) -> Iterator[str]:
    codes = ", ".join(each["code"] for each in rule["refusals"])
    yield f"{rule['channel']} {rule['result']}" + (f" ({codes})" if codes else "")


_TELLING: Mapping[str, Callable[[Mapping[str, Any], Show], Iterator[str]]] = {
    "consent": _consent,
    "reach": _reach,
    "channel": _channel,
    "time": _time,
    "worth": _worth,
    "wait": _worth,
    "caps": _caps,
    "content": _content,
    "send": _send,
}
