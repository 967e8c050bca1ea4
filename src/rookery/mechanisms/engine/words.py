"""Many words looked for in one text: all at once, with Aho and Corasick's automaton.

Worth it from some twenty words on: 2,900 of them take as long as six, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

FEWEST = 20  # words for which the automaton is built
LONGEST_TEXT = 64 << 10  # characters; it lists every occurrence, and in a longer text that could be too many
DEEPEST = 4  # words of the set that may end at one place of a text, for the same reason


class Words:
    """Words of one block's matchers, by number. They are added first, and then looked for."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._automaton: Any = None
        self._is_worth_it: bool | None = None
        self._last: tuple[str, Set[int]] = ("", frozenset())

    def add(self, words: Iterable[str]) -> tuple[int, ...]:
        """The numbers of these words."""
        return tuple(self._numbers.setdefault(word, len(self._numbers)) for word in words)

    def found_in(self, text: str) -> Set[int] | None:
        """The numbers of the words that are in a text; None where looking for them one by one is as well."""
        if len(text) > LONGEST_TEXT or not self._is_ready():
            return None
        if text is not self._last[0]:
            found = self._automaton.find_matches_as_indexes(text, overlapping=True)
            self._last = text, {number for number, _, _ in found}
        return self._last[1]

    def _is_ready(self) -> bool:
        if self._is_worth_it is None:
            many = len(self._numbers) >= FEWEST
            self._is_worth_it = many and "" not in self._numbers and self._depth() <= DEEPEST
            if self._is_worth_it:
                from ahocorasick_rs import AhoCorasick

                self._automaton = AhoCorasick(list(self._numbers))
        return self._is_worth_it

    def _depth(self) -> int:
        """How many of the words can end at one place: each is an ending of the longer ones."""
        return max(sum(word[start:] in self._numbers for start in range(len(word))) for word in self._numbers)
