"""What can go wrong with a condition.

ConditionError      raised by an evaluation: the condition has no value for this context
TreeError           raised by compile_tree: the tree is not one that the parser writes
OperationError      inside this package only: an operation's reason, before it knows its place
"""

from __future__ import annotations

from stepwell.conditions.tree import Tree, source


class ConditionError(Exception):
    """A condition could not be evaluated.

    The message names the part of the condition and the types met there, never a customer's values:
    `event.properties.total: no such key`. It is written when it is read: most are never.
    """

    def __init__(self, reason: object, tree: Tree | None = None) -> None:
        super().__init__(reason, tree)

    def __str__(self) -> str:
        reason, tree = self.args
        return str(reason) if tree is None else f"{source(tree)}: {reason}"


class TreeError(ValueError):
    """A condition's tree is malformed or too large; it was not written by the compiler."""


class OperationError(Exception):
    """An operation does not take these values; the node that asked for it adds the place."""
