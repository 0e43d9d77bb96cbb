"""Which of many phrases a text contains, in one pass over its words.

The phrases are a tree of words: at each word of the text it is walked for as long as words agree,
at most as far as the longest phrase. So the time goes with the length of the text, whatever the
text and however many phrases.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from stepwell.profile.words import Gap, Words, words_of
from stepwell.values import value


@dataclass(slots=True)
class _Node:
    """What may follow, and whose phrases end here."""

    following: dict[str, _Node] = field(default_factory=dict)
    owners: list[tuple[Hashable, bool]] = field(default_factory=list)


@value
class Owner:
    """Whoever has phrases. Within one of `unless` a phrase does not count."""

    name: Hashable
    phrases: tuple[str, ...]
    unless: tuple[str, ...] = ()


class PhraseBook:
    """`negations`: words after which a phrase does not count, unless something stands between."""

    def __init__(self, owners: Iterable[Owner], negations: Iterable[str] = ()) -> None:
        self._root = _Node()
        self._negations = {word for each in negations for word, _ in words_of(each)}
        for owner in owners:
            for phrase in owner.phrases:
                self._add(phrase, owner.name, counts=True)
            for phrase in owner.unless:
                self._add(phrase, owner.name, counts=False)

    def _add(self, phrase: str, owner: Hashable, *, counts: bool) -> None:
        node = self._root
        for word, _ in words_of(phrase):
            node = node.following.setdefault(word, _Node())
        if node is not self._root:
            node.owners.append((owner, counts))

    def owners_in(self, text: str) -> AbstractSet[Hashable]:
        """Those of whom the text has a phrase that counts."""
        words = words_of(text)
        found: set[Hashable] = set()
        covered: dict[Hashable, int] = {}
        for start in range(len(words)):
            ends = list(self._ending(words, start))
            for owner, counts, end in ends:
                if not counts:
                    covered[owner] = max(covered.get(owner, 0), end)
            for owner, counts, end in ends:
                if counts and end > covered.get(owner, 0) and not self._is_denied(words, start):
                    found.add(owner)
        return found

    def _ending(self, words: Words, start: int) -> Iterator[tuple[Hashable, bool, int]]:
        """Whose phrases begin at a word, and before which word they end."""
        node: _Node | None = self._root
        for place in range(start, len(words)):
            word, gap = words[place]
            if node is None or (place > start and gap is Gap.SENTENCE):
                return
            node = node.following.get(word)
            if node is not None:
                for owner, counts in node.owners:
                    yield owner, counts, place + 1

    def _is_denied(self, words: Words, start: int) -> bool:
        return start > 0 and words[start][1] is Gap.SPACE and words[start - 1][0] in self._negations
