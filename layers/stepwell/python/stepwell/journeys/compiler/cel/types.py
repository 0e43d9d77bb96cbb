"""Checks the types in a condition's tree before it is ever evaluated.

cel-python checks no types, and CEL's own rules know no events: here a property that the event's
schema does not have, a text compared with a number or a moment that is still a text is found when
the journey is compiled. What may be any JSON (a trait, say) is checked as far as it can be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.conditions.errors import ConditionError
from stepwell.conditions.evaluator import compile_tree
from stepwell.conditions.tree import ARITHMETIC, Tree, source
from stepwell.journeys.compiler.cel.kinds import (
    ANY,
    BOOL,
    DOUBLE,
    INT,
    JSON,
    NULL,
    STRING,
    TIMESTAMP,
    Environment,
    Type,
    element_of,
    joined,
    list_of,
    map_of,
    may_be_equal,
    may_be_ordered,
    record,
)
from stepwell.journeys.compiler.cel.signatures import FUNCTIONS, arithmetic
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.dates import DateError, read_date

UNKNOWN_NAME = "SW520"
UNKNOWN_PROPERTY = "SW521"
WRONG_TYPE = "SW522"
WRONG_VALUE = "SW523"

_DATE_REMEDY = "Give a timestamp or a text like 2027-01-31, such as customer.traits.renewal_date."


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """`code` as in `journeys.compiler.problems`; `remedy` says what to write instead."""

    code: str
    message: str
    remedy: str


def by_version(found: Mapping[str, Sequence[TypeProblem]]) -> Iterator[TypeProblem]:
    """Each problem once; one that is not of all versions of the events names the first it is of."""
    versions: dict[TypeProblem, list[str]] = {}
    for version, problems in found.items():
        for each in problems:
            versions.setdefault(each, []).append(version)
    for problem, where in versions.items():
        is_told = len(where) == len(found) or any(each in problem.message for each in where)
        said = problem.message if is_told else f"{problem.message}, in {where[0]}"
        yield TypeProblem(problem.code, said, problem.remedy)


def check_types(tree: Tree, environment: Environment) -> tuple[Type, list[TypeProblem]]:
    """The condition's type and what is wrong with it, in the order of the text."""
    checker = _Checker()
    return checker.check(tree, environment), list(dict.fromkeys(checker.problems))


def check_condition(tree: Tree, environment: Environment) -> list[TypeProblem]:
    """Like `check_types`, for a condition that decides something: it has to be true or false."""
    found, problems = check_types(tree, environment)
    if not found.unsure and found != BOOL:
        message = f"the condition `{source(tree)}` is {found}, not bool"
        problems.append(TypeProblem(WRONG_TYPE, message, "Compare it with something."))
    return problems


def check_date(tree: Tree, environment: Environment) -> list[TypeProblem]:
    """Like `check_types`, for what a delay waits for: it has to be a text or a timestamp."""
    found, problems = check_types(tree, environment)
    if not found.unsure and found not in (STRING, TIMESTAMP):
        message = f"`{source(tree)}` is {found}, not a date"
        problems.append(TypeProblem(WRONG_TYPE, message, _DATE_REMEDY))
    if tree[0] == "string":
        try:
            read_date(tree[1])
        except DateError as error:
            problems.append(TypeProblem(WRONG_VALUE, f"`{source(tree)}` {error}", _DATE_REMEDY))
    return problems


class _Checker:
    def __init__(self) -> None:
        self.problems: list[TypeProblem] = []

    def check(self, tree: Tree, names: Environment) -> Type:
        return _NODES[tree[0]](self, tree, names)

    def _report(self, code: str, message: str, remedy: str) -> Type:
        self.problems.append(TypeProblem(code, message, remedy))
        return ANY

    def name(self, tree: Tree, names: Environment) -> Type:
        if tree[1] in names:
            return names[tree[1]]
        return self._report(UNKNOWN_NAME, f"{tree[1]} is not known here", suggest(tree[1], names))

    def select(self, tree: Tree, names: Environment) -> Type:
        return self._field(tree[1], tree[2], names)

    def has(self, tree: Tree, names: Environment) -> Type:
        self._field(tree[1], tree[2], names)
        return BOOL

    def _field(self, operand: Tree, field: str, names: Environment) -> Type:
        owner = self.check(operand, names)
        if owner.unsure:
            return owner
        if owner.kind == "record":
            return self._known_field(owner, operand, field)
        if owner.kind == "map":
            return owner.element or JSON
        message = f"`{source(operand)}` is {owner} and has no field {field}"
        return self._report(WRONG_TYPE, message, "Only maps have fields.")

    def _known_field(self, owner: Type, operand: Tree, field: str) -> Type:
        if field in owner.fields:
            return owner.fields[field]
        if field in owner.absent:
            message = f"`{source(operand)}.{field}` is not kept"
            return self._report(UNKNOWN_PROPERTY, message, owner.absent[field])
        message = f"`{source(operand)}` has no {field} in {owner.place}"
        return self._report(UNKNOWN_PROPERTY, message, suggest(field, owner.fields))

    def index(self, tree: Tree, names: Environment) -> Type:
        owner, key = self.check(tree[1], names), self.check(tree[2], names)
        if owner.kind == "record" and tree[2][0] == "string":
            return self._known_field(owner, tree[1], tree[2][1])
        if owner.kind in ("map", "record") and (key == STRING or key.unsure):
            return owner.element or JSON
        if owner.kind == "list" and (key in (INT, DOUBLE) or key.unsure):
            return owner.element or JSON
        if owner.unsure and (key in (INT, DOUBLE, STRING) or key.unsure):
            return owner
        message = f"`{source(tree)}`: no [] for {owner} and {key}"
        return self._report(WRONG_TYPE, message, "A list takes a number, a map takes a text.")

    def logic(self, tree: Tree, names: Environment) -> Type:
        for operand in tree[1:]:
            self._bool(operand, names)
        return BOOL

    def _bool(self, tree: Tree, names: Environment) -> None:
        found = self.check(tree, names)
        if found != BOOL and not found.unsure:
            message = f"`{source(tree)}` is {found}, not bool"
            self._report(WRONG_TYPE, message, "Compare it with something.")

    def choice(self, tree: Tree, names: Environment) -> Type:
        self._bool(tree[1], names)
        return joined([self.check(each, names) for each in tree[2:]])

    def equality(self, tree: Tree, names: Environment) -> Type:
        left, right = self.check(tree[1], names), self.check(tree[2], names)
        if not may_be_equal(left, right):
            message = f"`{source(tree)}` compares {left} with {right}, which are never equal"
            self._report(WRONG_TYPE, message, _conversion(left, right))
        return BOOL

    def order(self, tree: Tree, names: Environment) -> Type:
        left, right = self.check(tree[1], names), self.check(tree[2], names)
        if not may_be_ordered(left, right):
            message = f"`{source(tree)}` compares {left} with {right}"
            self._report(WRONG_TYPE, message, _conversion(left, right))
        return BOOL

    def membership(self, tree: Tree, names: Environment) -> Type:
        item, container = self.check(tree[1], names), self.check(tree[2], names)
        if container.kind not in ("list", "map", "record") and not container.unsure:
            message = f"`{source(tree)}` looks for something in {container}"
            self._report(WRONG_TYPE, message, "Only lists and maps contain; texts have contains().")
        elif not may_be_equal(item, element_of(container)):
            message = f"`{source(tree)}` looks for {item} in {container}, where it can never be"
            self._report(WRONG_TYPE, message, _conversion(item, element_of(container)))
        return BOOL

    def calculation(self, tree: Tree, names: Environment) -> Type:
        left, right = self.check(tree[1], names), self.check(tree[2], names)
        result = arithmetic(tree[0], left, right)
        if result is not None:
            return result
        message = f"`{source(tree)}`: no {tree[0]} for {left} and {right}"
        return self._report(WRONG_TYPE, message, _calculation_remedy(tree[0], left, right))

    def negation(self, tree: Tree, names: Environment) -> Type:
        found = self.check(tree[1], names)
        if found in (INT, DOUBLE) or found.unsure:
            return DOUBLE if found == JSON else found
        return self._report(WRONG_TYPE, f"`{source(tree)}` negates {found}", "Negate a number.")

    def call(self, tree: Tree, names: Environment) -> Type:
        _, name, arguments = tree
        wanted, result = FUNCTIONS[name]
        for argument, kinds in zip(arguments, wanted, strict=False):
            found = self.check(argument, names)
            if found.kind not in kinds and not found.unsure:
                message = f"`{source(tree)}`: {name}() does not take {found}"
                known = " or ".join(sorted(kinds - {"record"}))
                self._report(WRONG_TYPE, message, f"It takes {known}.")
            elif found.kind == "record" and name == "distance_km":
                for field in ("latitude", "longitude"):
                    self._known_field(found, argument, field)
        self._constant_call(tree)
        return result

    def _constant_call(self, tree: Tree) -> None:
        """`duration("7d")` can be seen to be wrong now."""
        _, name, arguments = tree
        if name == "distance_km":
            arguments = [
                _SOMEWHERE,
                *(each if _is_number(each) else _ZERO for each in arguments[1:]),
            ]
        elif any(argument[0] not in ("string", "int", "double") for argument in arguments):
            return
        asked: Tree = ["call", name, arguments]
        try:
            compile_tree(asked)({})
        except ConditionError as problem:
            said = source(tree) + str(problem).removeprefix(source(asked))
            self._report(WRONG_VALUE, said, _CONSTANTS.get(name, "Correct the text."))

    def loop(self, tree: Tree, names: Environment) -> Type:
        _, kind, operand, variable, bodies = tree
        container = self.check(operand, names)
        if container.kind not in ("list", "map", "record") and not container.unsure:
            message = f"`{source(tree)}` loops over {container}"
            self._report(WRONG_TYPE, message, "Loop over a list or a map.")
            container = ANY
        element = element_of(container)
        inner = {**names, variable: element}
        *conditions, value = bodies if kind == "map" else [*bodies, None]
        for condition in conditions:
            self._bool(condition, inner)
        if kind == "map":
            return list_of(self.check(value, inner))
        return list_of(element) if kind == "filter" else BOOL

    def list_literal(self, tree: Tree, names: Environment) -> Type:
        return list_of(joined([self.check(each, names) for each in tree[1]]))

    def map_literal(self, tree: Tree, names: Environment) -> Type:
        fields = {key: self.check(value, names) for key, value in tree[1]}
        return record(fields, "this map") if fields else map_of(ANY)


_ZERO: Tree = ["double", 0.0]
_SOMEWHERE: Tree = ["map", [["latitude", _ZERO], ["longitude", _ZERO]]]
_CONSTANTS = {"duration": "A week is 168h.", "distance_km": "Write the latitude first."}


def _is_number(tree: Tree) -> bool:
    return (tree[1] if tree[0] == "negate" else tree)[0] in ("int", "double")


def _conversion(left: Type, right: Type) -> str:
    """How the two could be made to fit."""
    kinds = {left.kind, right.kind}
    if "timestamp" in kinds and kinds & {"string", "json"}:
        return "Write timestamp(…) around the text."
    if "duration" in kinds and kinds & {"string", "json"}:
        return "Write duration(…) around the text."
    if "string" in kinds and kinds & {"int", "double"}:
        return "Write the number without quotes, or convert with double(…) or string(…)."
    return "Compare values of one type."


def _calculation_remedy(symbol: str, left: Type, right: Type) -> str:
    kinds = {left.kind, right.kind}
    if symbol == "%" and kinds <= {"int", "double", "json", "any"}:
        return "% is for ints: write int(…) around the number."
    if "int" in kinds and kinds & {"double", "json"}:
        return "Numbers of events and traits are doubles: write 2.0 for 2, or double(…)."
    if kinds & {"timestamp", "duration"}:
        return _conversion(left, right)
    return "Convert one of them with string(…) or double(…)."


def _literal(found: Type) -> Callable[[_Checker, Tree, Environment], Type]:
    return lambda checker, tree, names: found  # noqa: ARG005


_NODES: dict[str, Callable[[_Checker, Any, Environment], Type]] = {
    "null": _literal(NULL),
    "bool": _literal(BOOL),
    "int": _literal(INT),
    "double": _literal(DOUBLE),
    "string": _literal(STRING),
    "list": _Checker.list_literal,
    "map": _Checker.map_literal,
    "name": _Checker.name,
    "select": _Checker.select,
    "index": _Checker.index,
    "has": _Checker.has,
    "&&": _Checker.logic,
    "||": _Checker.logic,
    "!": _Checker.logic,
    "negate": _Checker.negation,
    "?:": _Checker.choice,
    "call": _Checker.call,
    "loop": _Checker.loop,
    "in": _Checker.membership,
    **dict.fromkeys(("==", "!="), _Checker.equality),
    **dict.fromkeys(("<", "<=", ">", ">="), _Checker.order),
    **dict.fromkeys(ARITHMETIC, _Checker.calculation),
}
