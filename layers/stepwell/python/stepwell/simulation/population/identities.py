"""Which ids belong together: those that any call names together, and theirs in turn."""

from __future__ import annotations

from array import array
from collections.abc import Sequence


class Groups:
    """Disjoint sets of ids (union-find). Two ids in one group may still be two customers, such as
    people who share a device; two groups are never one.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}
        self._names: list[str] = []
        self._parents = array("l")

    def join(self, ids: Sequence[str]) -> int:
        """Put the ids, one at least, into one group; a node of it."""
        nodes = [self._node(each) for each in ids]
        first = self.root(nodes[0])
        for node in nodes[1:]:
            self._parents[self.root(node)] = first
        return nodes[0]

    def root(self, node: int) -> int:
        """The node that stands for the whole group, until the group grows."""
        parents = self._parents
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    def name(self, node: int) -> str:
        return self._names[node]

    def _node(self, name: str) -> int:
        node = self._nodes.setdefault(name, len(self._names))
        if node == len(self._names):
            self._names.append(name)
            self._parents.append(node)
        return node
