"""What a living profile knows, as rows of tables and lines: with source, time and reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stepwell.cli.printing import Local, Row

_SHOWN_EVENTS = 3
_LONGEST = 60
_EARLIER = "and earlier ones, which are not kept one by one"
_EARLIER_ONE = "an earlier one, which is not kept any more"


def trait_rows(traits: Mapping[str, Row], local: Local) -> Iterator[Row]:
    for name, each in sorted(traits.items()):
        yield {
            "trait": name,
            "value": short(each["value"]),
            "said": local(each["at"]),
            "by": each.get("source", ""),
        }


def computed_rows(computed: Mapping[str, Row], local: Local) -> Iterator[Row]:
    for name, each in sorted(computed.items()):
        yield {
            "trait": name,
            "value": _value(each, local) if "value" in each else "-",
            "from": told_from(each, local),
        }


def _value(evidence: Row, local: Local) -> str:
    """Of a histogram only how many there are: `--json` has its hours."""
    kind, value, events = evidence["kind"], evidence["value"], evidence.get("events")
    if kind in ("first", "last") and events and "value" not in events[0]:
        return local(value)  # the moment itself, not a value that its event had
    if kind == "most_frequent":
        return f"{short(value['value'])} ({value['count']})"
    return short(value["count"] if kind == "histogram" else value)


def told_from(evidence: Row, local: Local, most: int = _SHOWN_EVENTS) -> str:
    """The events behind it, the newest first."""
    if evidence["kind"] == "ratio":
        return f"{evidence['of']} over {evidence['to']}"
    known = _events(evidence, local)
    shown, left = known[:most], len(known[most:]) + evidence.get("older", 0)
    if evidence.get("not_kept"):
        shown.append(_EARLIER if shown else _EARLIER_ONE)
    if left:
        shown.append(f"and {left} more")
    if "among" in evidence:
        shown.append(f"out of {evidence['among']}")
    since = [f"counted since {local(evidence['since'])}"] if "since" in evidence else []
    return ", ".join([*(shown or [f"no {evidence['event']}"]), *since])


def _events(evidence: Row, local: Local) -> list[str]:
    """All that are known, the newest first; of `distinct` the last one of each value."""
    if "values" in evidence:
        by_time = sorted(evidence["values"].items(), key=lambda each: str(each[1]), reverse=True)
        return [f"{local(at)} = {short(json.loads(name))}" for name, at in by_time]
    return [_event(each, local) for each in reversed(evidence.get("events", []))]


def _event(event: Row, local: Local) -> str:
    value = f" = {short(event['value'])}" if "value" in event else ""
    return f"{local(event['at'])} ({event['event']}){value}"


def segment_rows(segments: Mapping[str, Row], local: Local) -> Iterator[Row]:
    for name, each in sorted(segments.items()):
        yield {
            "segment": name,
            "since": local(each["since"]) or "just now",
            "why": "; ".join(reasons(each["why"])),
        }


def list_rows(lists: Mapping[str, str], local: Local) -> Iterator[Row]:
    for name, at in sorted(lists.items()):
        yield {"list": name, "since": local(at)}


def reasons(part: Row) -> Iterator[str]:
    """The single conditions by which the whole has its value."""
    if "parts" not in part:
        yield f"{part['condition']}{_because(part)}"
        return
    decides = {"&&": False, "||": True}.get(part["is"])
    parts = part["parts"]
    if decides is not None and part["value"] is decides:
        parts = [each for each in parts if each["value"] is decides]
    for each in parts:
        yield from reasons(each)


def lines_of(part: Row, indent: str = "") -> Iterator[str]:
    """The condition as an indented tree, each line with its value."""
    value = part["value"]
    said = ("true " if value else "false") if isinstance(value, bool) else "none "
    if "parts" not in part:
        yield f"{indent}{said}  {part['condition']}{_because(part)}"
        return
    names = {"&&": "all of", "||": "one of", "!": "not", "?:": "if, then, else"}
    yield f"{indent}{said}  {names[part['is']]}"
    for each in part["parts"]:
        yield from lines_of(each, indent + "  ")


def _because(part: Row) -> str:
    """What was read, or why there is no value."""
    reads = [
        f"{each['name'].removeprefix('customer.')} = {short(each['value'])}"
        if "value" in each
        else f"no {each['name'].removeprefix('customer.')}"
        for each in part["reads"]
    ]
    if "error" in part and all("value" in each for each in part["reads"]):
        reads.append(part["error"])
    return f"  ({', '.join(reads)})" if reads else ""


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
