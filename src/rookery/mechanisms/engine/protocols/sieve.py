"""A quick look at a whole file that tells when none of its lines can match: most templates find nothing.

Looking at each line for itself costs thousands of times as much. The look may be wrong in one way only: it
may say that a line could match where none does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import BlockSpec, ExtractorSpec, MatcherSpec
from rookery.mechanisms.engine.regex import compile_regex

Look = Callable[[str], bool]
WHOLE = frozenset(("", "raw", "body", "all", "data"))
OF_THE_WHOLE_TEXT = re.compile(
    r"\\[AzZ]|\(\?[a-zA-Z]*-|\{\{|\\n|\\x0|§"
)  # mean something else within a whole file


def may_match(spec: BlockSpec) -> Look | None:
    """Whether any line of a text can match a block; None when that cannot be told from the whole text."""
    every: tuple[MatcherSpec | ExtractorSpec, ...] = (*spec.matchers, *spec.extractors)
    try:
        looks = [look for one in every for look in _looks(one)]
    except (_Untold, DslError):
        return None
    return lambda text: any(look(text) for look in looks)


class _Untold(Exception):  # control flow within this module
    """Nothing can be told of a matcher or extractor beforehand."""


def _looks(one: MatcherSpec | ExtractorSpec) -> Iterator[Look]:
    negative = isinstance(one, MatcherSpec) and (one.negative or one.encoding)
    if one.kind not in ("word", "regex") or negative or one.part not in WHOLE:
        raise _Untold
    texts = one.words if isinstance(one, MatcherSpec) and one.kind == "word" else one.regex
    for text in texts:
        if OF_THE_WHOLE_TEXT.search(text) or "\n" in text:
            raise _Untold
        yield _look(narrow(text), is_word=one.kind == "word", fold=one.case_insensitive)


def _look(text: str, *, is_word: bool, fold: bool) -> Look:
    if not is_word:
        return compile_regex(f"(?m{'i' if fold else ''}){text}").found_in
    lowered = text.lower()
    return (lambda whole: lowered in whole.lower()) if fold else (lambda whole: text in whole)
