"""Results for people: one line a scenario, and the story of those that failed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from stepwell.simulation.scenarios.model import USER
from stepwell.simulation.scenarios.suite import Result

_STYLES = {
    "event": "bold",
    "sent": "green",
    "deferred": "yellow",
    "suppressed": "yellow",
    "failed": "red",
    "unknown": "red",
    "warning": "red",
}


def show_result(console: Console, result: Result, *, story: bool) -> None:
    """One line; for a failing one, and with `story` for each, the timeline below it."""
    scenario = result.scenario
    line = Text()
    line.append(*("ok    ", "green") if result.passed else ("FAIL  ", "bold red"))
    line.append(f"{scenario.journey}: {scenario.name}", "" if result.passed else "bold")
    if not result.passed:
        line.append(f"  {scenario.place.file}:{scenario.place.line}", "dim")
    _print(console, line)
    if story or not result.passed:
        _show_story(console, result)
    if not result.passed:
        _show_differences(console, result)


def show_sum(console: Console, results: Sequence[Result], seconds: float) -> None:
    failed = sum(not each.passed for each in results)
    count = f"{len(results)} scenario{'' if len(results) == 1 else 's'}"
    said = f"{failed} failed" if failed else "all as expected"
    style = "bold red" if failed else "bold green"
    above = "\n" if results[-1].passed else ""
    _print(console, Text(f"{above}{count}, {said}, in {seconds:.1f} s.", style))


def _show_story(console: Console, result: Result) -> None:
    people = result.scenario.people
    zones = dict.fromkeys(each.clock.key for each in people.values())
    _print(console, Text(f"        times of {', '.join(zones)}", "dim"))
    moments = [result.moment(each) for each in result.timeline]
    wide = max(map(len, moments), default=0)
    kinds = max((len(each.kind) for each in result.timeline), default=0)
    named = len(people) > 1 or USER not in people
    for moment, entry in zip(moments, result.timeline, strict=True):
        line = Text(f"        {moment:<{wide}}  ")
        line.append(f"{entry.kind:<{kinds}}  ", _STYLES.get(entry.kind, "dim"))
        line.append(f"{entry.user}: " if named else "").append(entry.text)
        _print(console, line)


def _show_differences(console: Console, result: Result) -> None:
    _print(console, Text("      - expected   + happened", "dim"))
    for sign, text, number in result.lines():
        line = Text(f"      {sign} {text}", "red" if sign == "-" else "green")
        if number is not None:
            line.append(f"  line {number}", "dim")
        _print(console, line)
    _print(console, Text(""))


def _print(console: Console, line: Text) -> None:
    console.print(line, soft_wrap=True)
