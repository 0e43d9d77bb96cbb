"""Replacing attributes of other people's classes, and putting them back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any


class Patches:
    """What was replaced; `undo` restores it in reverse order."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Replace `owner.name`, which must exist: a renamed target fails here, not in silence.

        In a class a function becomes a method; give a `staticmethod` where moto has one.
        """
        before = vars(owner)[name]
        setattr(owner, name, value)
        self._undo.callback(setattr, owner, name, before)

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Give `owner` something that it lacks: one that it got by itself fails here."""
        if hasattr(owner, name):
            raise AttributeError(f"{owner.__name__} has a {name} by now")
        setattr(owner, name, value)
        self._undo.callback(delattr, owner, name)

    def undo(self) -> None:
        self._undo.close()
