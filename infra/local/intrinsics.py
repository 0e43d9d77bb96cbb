"""CloudFormation's functions in a template's values, resolved against what was created.

moto resolves them too, but drops what it cannot, in silence; here that is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.account import ACCOUNT, REGION

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
_IN_SUB = re.compile(r"\$\{([^!}]+)\}")


class UnresolvedError(Exception):
    """A reference to something that was not created, or a function that is not known here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What references mean: a logical id's physical one, its attributes, and exports.

    Each raises KeyError for what there is not.
    """

    ref: Callable[[str], str]
    attribute: Callable[[str, str], str]
    exported: Mapping[str, str]

    def resolve(self, value: Any) -> Any:
        """The value with every function carried out. Raises UnresolvedError."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        return {key: self.resolve(each) for key, each in value.items()}

    def _call(self, name: str, argument: Any) -> Any:
        try:
            match name:
                case "Ref":
                    return PSEUDO.get(argument) or self.ref(argument)
                case "Fn::GetAtt":
                    return self.attribute(*argument)
                case "Fn::Join":
                    return argument[0].join(str(each) for each in self.resolve(argument[1]))
                case "Fn::Select":
                    return self.resolve(argument[1])[int(argument[0])]
                case "Fn::Split":
                    return self.resolve(argument[1]).split(argument[0])
                case "Fn::ImportValue":
                    return self.exported[self.resolve(argument)]
                case "Fn::Sub" if isinstance(argument, str):
                    return _IN_SUB.sub(lambda found: self._substitute(found[1]), argument)
        except (KeyError, IndexError, AttributeError) as error:
            raise UnresolvedError(f"{name} {argument} refers to nothing created here") from error
        raise UnresolvedError(f"{name} is not known to the local stack")

    def _substitute(self, name: str) -> str:
        logical, _, attribute = name.partition(".")
        call = {"Fn::GetAtt": [logical, attribute]} if attribute else {"Ref": logical}
        return str(self.resolve(call))


def references(value: Any) -> set[str]:
    """The logical ids (and pseudo parameters) that a value refers to."""
    if isinstance(value, list):
        return {name for each in value for name in references(each)}
    if not isinstance(value, Mapping):
        return set()
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::GetAtt": [name, *_]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return {found.partition(".")[0] for found in _IN_SUB.findall(text)}
    return {name for each in value.values() for name in references(each)}
