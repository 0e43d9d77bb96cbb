"""Evaluates conditions: a tree (see `tree`) becomes nested closures once, which are called often.

The semantics are those of the Common Expression Language. The cost of an evaluation is bounded: by
the size of the tree, the size of the data, and the budget that all loops share. Data can only be
reached as keys of maps and elements of lists; there is no way to an attribute of a Python object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from stepwell.conditions.budget import BUDGET, budget_of, length_cost, new_budget, spend
from stepwell.conditions.errors import ConditionError, OperationError, TreeError
from stepwell.conditions.functions import FUNCTIONS
from stepwell.conditions.loops import run_loop
from stepwell.conditions.operators import ORDERS, calculated, contained, negated, ordered
from stepwell.conditions.tree import ARITHMETIC, LOOPS, MAX_DEPTH, MAX_NODES, Tree
from stepwell.conditions.values import NUMBERS, equal, equal_scalars, to_cel, type_name

__all__ = ["ConditionError", "TreeError", "compile_tree", "to_cel"]

_Scope = Mapping[str, Any]
_Expression = Callable[[_Scope], Any]


def compile_tree(tree: Tree) -> _Expression:
    """Make a function of the condition; it takes the context by name and returns the value.

    The values of the context come from `to_cel`, and moments are in UTC. The function raises
    ConditionError when the condition has no value for a context. Raises TreeError for a tree that
    no parser wrote.
    """
    _check_size(tree)
    try:
        body = _compiled(tree)
    except TreeError:
        raise
    except (TypeError, ValueError, LookupError) as error:
        raise TreeError("not a tree of a condition") from error
    if not _has_loop(tree):
        return body

    def run(context: _Scope) -> Any:
        return body({**context, BUDGET: new_budget()})

    return run


def _check_size(tree: Tree) -> None:
    """Level by level, so that no depth can exhaust the stack."""
    nodes, level = 0, [tree]
    for _ in range(3 * MAX_DEPTH):  # a node's lists of operands are levels of the JSON too
        level = [each for node in level if isinstance(node, list) for each in node]
        nodes += len(level)
        if not level or nodes > 10 * MAX_NODES:
            break
    if level:
        raise TreeError("the tree is too large")


def _has_loop(tree: Tree) -> bool:
    return isinstance(tree, list) and (tree[:1] == ["loop"] or any(map(_has_loop, tree)))


def _compiled(tree: Tree) -> _Expression:
    compile_node = _NODES.get(tree[0])
    if compile_node is None:
        raise TreeError(f"a tree has no node {tree[0]!r}")
    return compile_node(tree)


def _fail(tree: Tree, reason: object) -> ConditionError:
    return ConditionError(reason, tree)


def _constant(value: Any) -> _Expression:
    return lambda scope: value  # noqa: ARG005


def _list(tree: Tree) -> _Expression:
    items = [_compiled(each) for each in tree[1]]
    return lambda scope: [item(scope) for item in items]


def _map(tree: Tree) -> _Expression:
    entries = [(str(key), _compiled(value)) for key, value in tree[1]]
    return lambda scope: {key: value(scope) for key, value in entries}


def _name(tree: Tree) -> _Expression:
    name = tree[1]

    def run(scope: _Scope) -> Any:
        try:
            return scope[name]
        except KeyError:
            raise _fail(tree, "not known here") from None

    return run


def _select(tree: Tree) -> _Expression:
    """A chain of fields is followed in one go: it is what conditions do most."""
    keys: list[str] = []
    operand = tree
    while operand[0] == "select":
        keys.insert(0, operand[2])
        operand = operand[1]
    first = _compiled(operand)

    def run(scope: _Scope) -> Any:
        value = first(scope)
        try:
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):
            raise _missing(operand, first(scope), keys) from None
        return value

    return run


def _missing(operand: Tree, value: Any, keys: list[str]) -> ConditionError:
    """Follow the fields again and say which one failed."""
    for key in keys:
        if not isinstance(value, dict):
            return _fail(operand, f"has no fields, it is {type_name(value)}")
        operand = ["select", operand, key]
        if key not in value:
            break
        value = value[key]
    return _fail(operand, "no such key")


def _has(tree: Tree) -> _Expression:
    operand, field = _compiled(tree[1]), tree[2]

    def run(scope: _Scope) -> bool:
        value = operand(scope)
        if isinstance(value, dict):
            return bool(field in value)
        raise _fail(tree[1], f"has no fields, it is {type_name(value)}")

    return run


def _index(tree: Tree) -> _Expression:
    operand, index = _compiled(tree[1]), _compiled(tree[2])

    def run(scope: _Scope) -> Any:
        value, key = operand(scope), index(scope)
        if isinstance(value, dict):
            if type(key) is str and key in value:
                return value[key]
            raise _fail(tree, "no such key")
        if type(value) is not list or type(key) not in NUMBERS:
            raise _fail(tree, f"no [] for {type_name(value)} and {type_name(key)}")
        if 0 <= key < len(value) and key == int(key):
            return value[int(key)]
        raise _fail(tree, "no such element")

    return run


def _logic(tree: Tree) -> _Expression:
    """`&&` and `||`: one operand that decides is enough, whatever is wrong with the others."""
    operands = [_compiled(each) for each in tree[1:]]
    deciding: bool = tree[0] == "||"

    def run(scope: _Scope) -> bool:
        error: ConditionError | None = None
        for position, operand in enumerate(operands, 1):
            try:
                value = operand(scope)
            except ConditionError as problem:
                error = error or problem
                continue
            if type(value) is not bool:
                error = error or _fail(tree[position], f"is {type_name(value)}, not bool")
            elif value == deciding:
                break
        else:
            if error:
                raise error
            return not deciding
        return deciding

    return run


def _not(tree: Tree) -> _Expression:
    operand = _compiled(tree[1])

    def run(scope: _Scope) -> bool:
        value = operand(scope)
        if type(value) is bool:
            return not value
        raise _fail(tree[1], f"is {type_name(value)}, not bool")

    return run


def _choice(tree: Tree) -> _Expression:
    condition, then, otherwise = (_compiled(each) for each in tree[1:])

    def run(scope: _Scope) -> Any:
        value = condition(scope)
        if type(value) is bool:
            return then(scope) if value else otherwise(scope)
        raise _fail(tree[1], f"is {type_name(value)}, not bool")

    return run


def _order(tree: Tree) -> _Expression:
    """Numbers are compared on the spot: the condition of nearly every journey."""
    symbol = tree[0]
    compare = ORDERS[symbol]
    left, right = _compiled(tree[1]), _compiled(tree[2])

    def run(scope: _Scope) -> bool:
        one, other = left(scope), right(scope)
        if type(one) in NUMBERS and type(other) in NUMBERS:
            return bool(compare(one, other))
        try:
            return ordered(symbol, one, other)
        except OperationError as reason:
            raise _fail(tree, reason) from None

    return run


def _equality(tree: Tree) -> _Expression:
    """`==` and `!=`; a comparison of lists or maps is paid from the evaluation's budget."""
    wanted = tree[0] == "=="
    left, right = _compiled(tree[1]), _compiled(tree[2])

    def run(scope: _Scope) -> bool:
        one, other = left(scope), right(scope)
        if not isinstance(one, list | dict):
            return equal_scalars(one, other) is wanted
        try:
            return equal(one, other, budget_of(scope)) is wanted
        except OperationError as reason:
            raise _fail(tree, reason) from None

    return run


def _membership(tree: Tree) -> _Expression:
    left, right = _compiled(tree[1]), _compiled(tree[2])

    def run(scope: _Scope) -> bool:
        one, other = left(scope), right(scope)
        try:
            return contained(one, other, budget_of(scope))
        except OperationError as reason:
            raise _fail(tree, reason) from None

    return run


def _operation(
    tree: Tree, operation: Callable[..., Any], operands: list[Tree], *, by_length: bool = False
) -> _Expression:
    """An operation on the operands' values; what it refuses is told with its place."""
    arguments = [_compiled(each) for each in operands]

    def run(scope: _Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        try:
            if by_length:
                spend(budget_of(scope), sum(map(length_cost, values)))
            return operation(*values)
        except OperationError as reason:
            raise _fail(tree, reason) from None

    return run


def _arithmetic(tree: Tree) -> _Expression:
    return _operation(tree, partial(calculated, tree[0]), tree[1:], by_length=tree[0] == "+")


def _call(tree: Tree) -> _Expression:
    _, name, arguments = tree
    function, arities = FUNCTIONS[name]
    if len(arguments) not in arities:
        raise TreeError(f"{name}() does not take {len(arguments)} arguments")
    run = _operation(tree, function, arguments, by_length=name == "contains")
    if name in ("timestamp", "duration") and arguments[0][0] == "string":
        try:
            return _constant(run({}))
        except ConditionError:
            return run
    return run


def _loop(tree: Tree) -> _Expression:
    _, name, operand, variable, bodies = tree
    if name not in LOOPS:
        raise TreeError(f"there is no loop {name!r}")
    items, steps = _compiled(operand), [_compiled(each) for each in bodies]

    def run(scope: _Scope) -> Any:
        values = items(scope)
        try:
            return run_loop(name, values, variable, steps, scope)
        except OperationError as reason:
            raise _fail(tree, reason) from None

    return run


_NODES: dict[str, Callable[[Tree], _Expression]] = {
    "null": lambda tree: _constant(None),  # noqa: ARG005
    "bool": lambda tree: _constant(bool(tree[1])),
    "int": lambda tree: _constant(int(tree[1])),
    "double": lambda tree: _constant(float(tree[1])),
    "string": lambda tree: _constant(str(tree[1])),
    "list": _list,
    "map": _map,
    "name": _name,
    "select": _select,
    "has": _has,
    "index": _index,
    "&&": _logic,
    "||": _logic,
    "!": _not,
    "?:": _choice,
    "negate": lambda tree: _operation(tree, negated, tree[1:]),
    "==": _equality,
    "!=": _equality,
    "in": _membership,
    "call": _call,
    "loop": _loop,
    **dict.fromkeys(ORDERS, _order),
    **dict.fromkeys(ARITHMETIC, _arithmetic),
}
