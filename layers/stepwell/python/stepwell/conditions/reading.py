"""What a condition depends on, read off its tree."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.conditions.tree import COMPARISONS, Tree

_ORDERS = frozenset(COMPARISONS) - {"in"}


def reads_of(tree: Tree) -> frozenset[str]:
    """Which parts of the customer it reads: `traits.plan`, `segments.vip`, `consents`; and `now`.

    What is reached by a name that only the evaluation knows counts as the whole part: `traits`.
    """
    found: set[str] = set()
    _collect(tree, found)
    return frozenset(found)


def _collect(tree: Tree, found: set[str]) -> None:
    if not isinstance(tree, list) or not tree:
        return
    path = _path(tree)
    if path is not None:
        if path == ["now"]:
            found.add("now")
        elif path[0] == "customer":
            found.add(".".join(path[1:3]) if len(path) > 1 else "*")
        return
    for each in tree:  # also the first of a node's list of operands
        _collect(each, found)


def read_paths(tree: Tree) -> list[Tree]:
    """The longest ways into the customer that it reads, each a tree itself, in its order: of
    has(customer.place.city) the way up to `place`.
    """
    found: list[Tree] = []
    _collect_paths(tree, found)
    return found


def _collect_paths(tree: Tree, found: list[Tree]) -> None:
    if not isinstance(tree, list) or not tree:
        return
    path = _path(tree)
    if path is not None and tree[0] != "has":
        if path[0] == "customer" and tree not in found:
            found.append(tree)
        return
    for each in tree:  # also the first of a node's list of operands
        _collect_paths(each, found)


def _path(tree: Tree) -> list[str] | None:
    """The names of `customer.traits.plan`, also written customer.traits["plan"] or has(…)."""
    match tree:
        case ["name", str(name)]:
            return [name]
        case ["select" | "has", operand, str(field)] | ["index", operand, ["string", field]]:
            above = _path(operand)
            return [*above, field] if above is not None else None
    return None


def compared_with(tree: Tree, path: Tree) -> frozenset[float] | None:
    """The numbers that what lies at the path is compared with; None where it is read otherwise,
    apart from has().
    """
    found: set[float] = set()
    return frozenset(found) if _collect_numbers(tree, path, _path(path) or [], found) else None


def _collect_numbers(tree: Tree, path: Tree, wanted: list[str], found: set[float]) -> bool:
    """Whether every reading of the path, whose names are `wanted`, is compared with a number."""
    if not isinstance(tree, list) or tree[:1] == ["has"]:
        return True
    read = _path(tree)
    if read is not None:
        return read != wanted[: len(read)] and read[: len(wanted)] != wanted
    if path in tree[1:] and isinstance(tree[0], str) and tree[0] in _ORDERS:
        number = tree[2] if tree[1] == path else tree[1]
        if number[0] in ("int", "double"):
            found.add(number[1])
            return True
        return False
    return all(_collect_numbers(each, path, wanted, found) for each in tree)


def clock_comparisons(tree: Tree) -> list[tuple[Tree, Tree]]:
    """Both sides of every comparison that has `now` in it."""
    return list(_comparisons(tree))


def _comparisons(tree: Tree) -> Iterator[tuple[Tree, Tree]]:
    if not isinstance(tree, list) or not tree:
        return
    if isinstance(tree[0], str) and tree[0] in _ORDERS and has_clock(tree):
        yield tree[1], tree[2]
        return
    for each in tree:
        yield from _comparisons(each)


def has_clock(tree: Tree) -> bool:
    return isinstance(tree, list) and (tree[:2] == ["name", "now"] or any(map(has_clock, tree)))


def pace(tree: Tree) -> int | None:
    """How often time is in a side of a comparison: 1 of `now - customer.traits.since`. None of one
    in which it is not only added and taken away.
    """
    if not _is_even(tree):
        return None
    if not has_clock(tree):
        return 0
    if tree == ["name", "now"]:
        return 1
    one, two = (pace(each) or 0 for each in tree[1:3])
    return one + two if tree[0] == "+" else one - two


def moves_evenly(tree: Tree) -> bool:
    """Whether time moves each comparison with `now` evenly: it is only added and taken away there,
    and stands nowhere else.
    """
    if not isinstance(tree, list) or not has_clock(tree):
        return True
    if tree[0] in _ORDERS:
        return all(map(_is_even, tree[1:]))
    if tree[0] in ("&&", "||", "!", "?:"):
        return all(map(moves_evenly, tree[1:]))
    return False


def _is_even(tree: Tree) -> bool:
    if not has_clock(tree) or tree == ["name", "now"]:
        return True
    return tree[0] in ("+", "-") and all(map(_is_even, tree[1:]))
