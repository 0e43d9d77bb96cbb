"""A map whose values are made when they are first read: conditions read few of the many there are.

It is a dict to everything that evaluates conditions. What makes a value may answer ABSENT, and then
the key is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, Final

from stepwell.conditions.values import to_cel


class _Absent:
    """The type of ABSENT."""


ABSENT: Final = _Absent()


class LazyMap(dict[str, Any]):
    """Values come from `make` by name and are converted with `to_cel`, once."""

    __slots__ = ("_make",)

    def __init__(self, make: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Any:
        made = self._make[key]()
        if made is ABSENT:
            raise KeyError(key)
        value = made if type(made) is LazyMap else to_cel(made)
        self[key] = value
        return value

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]  # whatever it is, it is looked for
        except (KeyError, TypeError):
            return False
        return True

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._make if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def values(self) -> Any:
        return self.whole().values()

    def items(self) -> Any:
        return self.whole().items()

    def whole(self) -> dict[str, Any]:
        """A plain dict of all that there is, maps inside of it too."""
        return {
            key: each.whole() if type(each) is LazyMap else each
            for key, each in ((key, self[key]) for key in self)
        }


class ByName(Mapping[str, Callable[[], Any]]):
    """What makes values that are made alike: nothing is prepared for those that nobody reads."""

    __slots__ = ("_make", "_names")

    def __init__(self, names: Collection[str], make: Callable[[str], Any]) -> None:
        self._names = names
        self._make = make

    def __getitem__(self, name: str) -> Callable[[], Any]:
        if name not in self._names:
            raise KeyError(name)
        return partial(self._make, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
