"""Tables and facts on a terminal: columns without borders, in which nothing is cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from stepwell.timestamps import from_text

if TYPE_CHECKING:
    from rich.console import Console

Row = dict[str, Any]
Local = Callable[[Any], str]
MOST_TOLD = 20
_TIMES = {"time", "entered", "ended", "since", "said"}


def local_time(text: Any, *, zone: ZoneInfo) -> str:
    """To the minute: moments are compared by eye."""
    return f"{from_text(text).astimezone(zone):%Y-%m-%d %H:%M}" if text else ""


def print_table(console: Console, title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """What does not fit goes on in the next line. Nothing at all without rows."""
    from rich.table import Table  # noqa: PLC0415 - only who looks at tables pays for it
    from rich.text import Text  # noqa: PLC0415 - as above

    shown = list(rows)
    if not shown:
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in shown[0]:
        is_time = column in _TIMES
        table.add_column(column, header_style="dim", overflow="fold", no_wrap=is_time)
    for row in shown:
        table.add_row(*(Text(printable(str(value))) for value in row.values()))
    console.print()
    console.print(table)


def printable(text: str) -> str:
    """What senders wrote, without what would move a terminal's cursor off its line or back."""
    return "".join(each if each.isprintable() or each in "\n\t" else "?" for each in text)


def in_one_line(text: str) -> str:
    """As `printable`, and without breaks and tabs."""
    return "".join(each if each.isprintable() else "?" for each in text)


def first_of(told: Sequence[str], hint: str = "") -> Iterator[str]:
    """What is to be told of many lines of a file: the first of them, and how many more there are;
    `hint` says where these are.
    """
    yield from map(printable, told[:MOST_TOLD])
    if len(told) > MOST_TOLD:
        yield f"… and {len(told) - MOST_TOLD:,} more{hint}"
