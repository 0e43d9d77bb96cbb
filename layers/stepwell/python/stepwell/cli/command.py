"""What a subcommand is: a module with `add_parser` and `run`.

Its heavy imports belong inside `run`, so that `stepwell --help` answers at once.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - has no other name


class Command(Protocol):
    """A subcommand's module; `add_parser` sets the module's `run` as the parsed `run`."""

    def add_parser(self, commands: Commands) -> None: ...


class CommandError(Exception):
    """Something the user can put right; the message is shown as it is, the exit status is 2."""
