"""The progress of a simulation on standard error: a bar on a terminal, else one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as RemainingColumn


def _ignore(_done: int, _total: int) -> None:
    """Nobody looks on."""


@contextmanager
def progress_on(file: IO[str], what: str) -> Iterator[Callable[[int, int], None]]:
    """What is to be told how many customers are done, of how many."""
    console = Console(file=file, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        file.write(f"{what} …\n")
        file.flush()
        yield _ignore
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        RemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
