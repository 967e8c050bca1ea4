"""RE2, the regex dialect of templates: linear time for every pattern, ASCII classes, bytes as characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import to_bytes

LARGEST_PROGRAM = 16 << 20  # bytes RE2 may use for one pattern and its cache
LONGEST_PATTERN = 64 << 10
GROUP_REFERENCE = re.compile(r"\$\{?(\d{1,2})\}?")


@lru_cache(maxsize=8192)
def compile_regex(pattern: str) -> Regex:
    """The compiled pattern; DslError when RE2 refuses it."""
    return Regex(pattern)


class Regex:
    """One pattern over texts that hold a byte per character."""

    __slots__ = ("_compiled", "groups", "pattern")

    def __init__(self, pattern: str) -> None:
        if len(pattern) > LONGEST_PATTERN:
            raise DslError(f"a regex of {len(pattern):,} characters is too long")
        self.pattern = pattern
        try:
            self._compiled: Any = re2.compile(to_bytes(pattern), _options())
        except re2.error as error:
            raise DslError(f"bad regex {pattern!r}: {_reason(error)}") from None
        self.groups: int = self._compiled.groups

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere."""
        return self._compiled.search(to_bytes(text)) is not None

    def finditer(self, text: str, group: int = 0) -> Iterator[str]:
        """The given group of every match, in order; an unset group is empty."""
        for match in self._compiled.finditer(to_bytes(text)):
            yield (match.group(group) or b"").decode("latin-1")

    def replace(self, text: str, replacement: str, most: int) -> str:
        """The text with every match replaced; `$1` and `${1}` in the replacement are groups, as in Go.

        DslError when it would become longer than `most`.
        """
        pieces, position, data = [], 0, to_bytes(text)
        length = len(data)
        for match in self._compiled.finditer(data):
            new = _expand(match, replacement)
            length += len(new) - (match.end() - match.start())
            if length > most:
                raise DslError(f"a text of more than {most:,} characters is too long")
            pieces += [data[position : match.start()].decode("latin-1"), new]
            position = match.end()
        return "".join([*pieces, data[position:].decode("latin-1")])


def _reason(error: Exception) -> str:
    said: Any = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _expand(match: Any, replacement: str) -> str:
    def group(reference: re.Match[str]) -> str:
        number = int(reference[1])
        return (match.group(number) or b"").decode("latin-1") if number <= match.re.groups else ""

    return GROUP_REFERENCE.sub(group, replacement)


@lru_cache(maxsize=1)
def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = LARGEST_PROGRAM
    return options
