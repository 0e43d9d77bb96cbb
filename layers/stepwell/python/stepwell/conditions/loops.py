"""CEL's loops over elements of a list or keys of a map: all, exists, exists_one, filter, map.

`all` and `exists` go on past an element whose condition fails, because a later one may decide, as
with `&&` and `||`; the others do not. A pass costs one step of the evaluation's budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stepwell.conditions.budget import BUDGET, spend
from stepwell.conditions.errors import ConditionError, OperationError
from stepwell.conditions.values import type_name

_Expression = Callable[[Mapping[str, Any]], Any]


def run_loop(
    name: str, values: Any, variable: str, bodies: list[_Expression], scope: Mapping[str, Any]
) -> Any:
    """Raises ConditionError from a body, OperationError for the loop itself."""
    if not isinstance(values, list | dict):
        raise OperationError(f"cannot loop over {type_name(values)}")
    inner = dict(scope)
    return _LOOPS[name](_passes(list(values), variable, inner), bodies, inner)


def _passes(values: list[Any], variable: str, inner: dict[str, Any]) -> Iterator[Any]:
    """Bind each value in turn. One scope serves all passes: nothing evaluated keeps it."""
    budget = inner[BUDGET]
    for value in values:
        spend(budget, 1)
        inner[variable] = value
        yield value


def _truth(body: _Expression, inner: Mapping[str, Any]) -> bool:
    value = body(inner)
    if type(value) is bool:
        return value
    raise OperationError(f"the condition is {type_name(value)}, not bool")


def _decided(passes: Iterator[Any], body: _Expression, inner: dict[str, Any], *, by: bool) -> bool:
    error: Exception | None = None
    for _ in passes:
        try:
            if _truth(body, inner) is by:
                return by
        except (ConditionError, OperationError) as problem:
            error = error or problem
    if error:
        raise error
    return not by


def _all(passes: Iterator[Any], bodies: list[_Expression], inner: dict[str, Any]) -> bool:
    return _decided(passes, bodies[0], inner, by=False)


def _exists(passes: Iterator[Any], bodies: list[_Expression], inner: dict[str, Any]) -> bool:
    return _decided(passes, bodies[0], inner, by=True)


def _exists_one(passes: Iterator[Any], bodies: list[_Expression], inner: dict[str, Any]) -> bool:
    return sum(_truth(bodies[0], inner) for _ in passes) == 1


def _filter(passes: Iterator[Any], bodies: list[_Expression], inner: dict[str, Any]) -> list[Any]:
    return [value for value in passes if _truth(bodies[0], inner)]


def _map(passes: Iterator[Any], bodies: list[_Expression], inner: dict[str, Any]) -> list[Any]:
    """`map(x, value)`, or `map(x, condition, value)` for those that fulfil the condition."""
    *conditions, value = bodies
    return [value(inner) for _ in passes if all(_truth(each, inner) for each in conditions)]


_LOOPS: dict[str, Callable[[Iterator[Any], list[_Expression], dict[str, Any]], Any]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
}
