"""jq for `json` extractors: what can be bounded of its language, compiled to closures over generators.

Why our own: libjq runs whatever a query asks for to the end, in our process, and a query of forty characters
can ask for 2^40 results. Here each step is counted, and text and results are bounded. What is left out
(definitions, reduce, assignment, paths, modules, the environment) is refused by name when it is compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.jq.parser import Parser
from rookery.mechanisms.engine.jq.steps import Failed, Run, Scope
from rookery.mechanisms.engine.latin import narrow, to_bytes

MOST_RESULTS = 1000
LONGEST_QUERY = 2000


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled query."""

    source: str
    _run: Run = field(repr=False)

    def results(self, text: str) -> list[str]:
        """What the query finds in a JSON text, as text, null left out; nothing when it is no JSON. A query
        that fails gives what it found before."""
        try:
            document = msgspec.json.decode(to_bytes(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
        return list(self._shown(document))

    def _shown(self, document: Any) -> Iterator[str]:
        with contextlib.suppress(Failed, RecursionError):
            for value in islice(self._run(document, Scope()), MOST_RESULTS):
                if value is not None:
                    yield shown(value)


@lru_cache(maxsize=2048)
def compile_query(source: str) -> Query:
    """The compiled query; DslError when it is none, or uses what is not run of jq."""
    if len(source) > LONGEST_QUERY:
        raise DslError(f"the jq query {source!r} is too long")
    try:
        return Query(source, Parser(source).whole())
    except RecursionError:
        raise DslError(f"the jq query {source!r} is nested too deep") from None


def shown(value: Any) -> str:
    """A value as nuclei prints it: text as it is, all else as JSON."""
    if isinstance(value, str):
        return narrow(value)
    return msgspec.json.encode(value).decode("latin-1")
