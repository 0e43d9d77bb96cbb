"""A comparison in a terminal: what differs, section by section."""

from __future__ import annotations

from itertools import groupby
from typing import IO

from rich.console import Console
from rich.text import Text

from stepwell.simulation.report import words
from stepwell.simulation.report.compare import Comparison
from stepwell.simulation.report.terminal import (
    open_console,
    print_never,
    print_notices,
    show,
    table,
    write_captured,
)


def print_comparison(comparison: Comparison, file: IO[str]) -> None:
    """The numbers that differ; those that are equal are counted only."""
    console = open_console(file)
    with console.capture() as captured:
        _print(console, comparison)
    write_captured(captured.get(), file)


def _print(console: Console, comparison: Comparison) -> None:
    first, second = comparison.first, comparison.second
    settings = first.settings
    console.print(Text(f"Comparison of {', '.join(comparison.journeys)}", style="bold"))
    console.print(f"{settings.source}, {words.period(settings)}")
    console.print(f"first:  {words.side(first)}")
    console.print(f"second: {words.side(second)}")
    for said in words.missing(comparison):
        console.print(Text(said, style="yellow"))
    console.print()
    for name, report in (("first", first), ("second", second)):
        if report.broken_count:
            console.print(f"In the {name}:")
            print_never(console, report)
        if report.notices:
            console.print(f"In the {name}:")
            print_notices(console, report)
    for section, differences in groupby(comparison.differences, key=lambda each: each.section):
        made = table(section, ["what"], ["first", "second", "change", ""])
        for each in differences:
            made.add_row(each.name, *words.compared(each, comparison))
        show(console, made)
    equal = comparison.compared - len(comparison.differences)
    if comparison.differences:
        console.print(f"{equal:,} of {comparison.compared:,} numbers are the same.")
    else:
        console.print(Text(f"No difference: all {equal:,} numbers are the same.", style="green"))
