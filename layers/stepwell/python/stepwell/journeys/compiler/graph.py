"""A journey as a Mermaid flowchart that reads like the journey: steps, branches and timers."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.documents import WEEKDAYS
from stepwell.journeys.compiler.durations import text_of
from stepwell.journeys.compiler.flow import END, NEXT, OTHERWISE, TIMEOUT, Flow, flow_of
from stepwell.journeys.compiler.model import (
    DateDelay,
    EventMatch,
    HandOver,
    Hold,
    Journey,
    LocalDelay,
    Message,
    NamedStep,
    Pause,
    Split,
)
from stepwell.journeys.dates import described
from stepwell.journeys.program import Reentry

_DONE = "done"
_LEFT = "left"


def mermaid(journey: Journey) -> str:
    """The flowchart's text. Ids must be unique."""
    flow = flow_of(journey)
    lines = ["flowchart TD", f"    enter([{_quoted(_entry(journey))}]) --> {_node(flow.first)}"]
    for step in flow.steps.values():
        lines.append(f"    {_node(step.id)}{_shape(step, journey)}")
        lines.extend(f"    {line}" for line in _edges(step, flow))
    lines.append(f"    {_DONE}([Completed])")
    if journey.exits:
        whenever = " or ".join(_event(match) for match in journey.exits)
        lines.append(f"    anywhere[/{_quoted('In any step: ' + whenever)}/] --> {_LEFT}([Exited])")
    if journey.goal:
        within = text_of(journey.goal.within_seconds)
        lines.append(
            f"    goal{{{{{_quoted(f'Goal: {_event(journey.goal.match)} within {within}')}}}}}"
        )
    return "\n".join(lines) + "\n"


def _node(target: str) -> str:
    return _DONE if target == END else f"step_{target}"


def _quoted(text: str) -> str:
    escaped = (
        text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    )
    return '"' + escaped.replace("\n", "<br>") + '"'


def _entry(journey: Journey) -> str:
    entry = journey.entry
    if entry is None:
        return journey.name
    again = {
        Reentry.NEVER: "once",
        Reentry.ALWAYS: "again at any time",
        Reentry.AFTER_EXIT: "again after the end",
        Reentry.AFTER: f"again after {text_of(entry.reentry_seconds or 1)}",
    }[entry.reentry]
    key = f" per {entry.key.text}" if entry.key else ""
    return f"{_event(entry.match)}\n{again}{key}"


def _event(match: EventMatch) -> str:
    where = " ".join(match.where.text.split()) if match.where else ""
    said = f"{match.message}: {match.event}" if match.message else match.event
    return f"{said}, if {where}" if where else said


def _shape(step: NamedStep, journey: Journey) -> str:
    if isinstance(step, Hold):
        return "{{" + _quoted(f"{step.name}\nhold, at most {text_of(step.seconds)}") + "}}"
    if isinstance(step, Pause):
        return "([" + _quoted(f"{step.name}\nwait {text_of(step.seconds)}") + "])"
    if isinstance(step, LocalDelay):
        days = ", ".join(WEEKDAYS[number - 1].capitalize() for number in step.weekdays)
        return (
            "(["
            + _quoted(f"{step.name}\nwait until {step.time} local{days and ', ' + days}")
            + "])"
        )
    if isinstance(step, DateDelay):
        until = described(step.date.text, step.offset, step.time)
        return "([" + _quoted(f"{step.name}\nwait {until}") + "])"
    if isinstance(step, Split):
        return "{" + _quoted(step.name) + "}"
    if isinstance(step, HandOver):
        return "[[" + _quoted(f"{step.name}\nhand over to {step.to}") + "]]"
    return "[" + _quoted(f"{step.name}\n{_sending(step, journey)}") + "]"


def _sending(message: Message, journey: Journey) -> str:
    return f"{message.purpose or journey.purpose}: {', else '.join(message.channels)}"


def _edges(step: NamedStep, flow: Flow) -> Iterator[str]:
    here, ways = _node(step.id), flow.ways[step.id]
    labels = {NEXT: "", OTHERWISE: "otherwise"}
    if isinstance(step, Hold):
        labels[TIMEOUT] = f"nothing for {text_of(step.seconds)}"
        for branch in step.branches:
            labels[branch.id] = _event(branch.match)
            if branch.restarts:
                yield f"{here} -->|{_quoted(f'{_event(branch.match)}: again')}| {here}"
    if isinstance(step, HandOver):
        labels[OTHERWISE] = "nobody took it"
    if isinstance(step, Split):
        labels |= {arm.id: f"{arm.name}\n{' '.join(arm.when.text.split())}" for arm in step.arms}
    for way, target in ways.items():
        label = f"|{_quoted(labels[way])}|" if labels[way] else ""
        yield f"{here} -->{label} {_node(target)}"
