"""The part of jq that templates use: `.a.b`, `."a-b"`, `.["a"]`, `.[]`, `.[0]`, pipes. No more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.latin import narrow, to_bytes

STEP = re.compile(
    r"""\s*(?:\|\s*(?=\.))?(?:
      \.(?P<name>[A-Za-z_]\w*)
    | \."(?P<quoted>[^"\\]*)"
    | \.?\["(?P<key>[^"\\]*)"\]
    | \.?\[(?P<index>-?\d{1,9})\]
    | \.?(?P<each>\[\])
    )\??""",
    re.VERBOSE,
)
MOST_VALUES = 1000
LONGEST_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """The steps of a query: a text is a key, a number an index, None every element."""

    steps: tuple[str | int | None, ...]

    def results(self, text: str) -> list[str]:
        """What the query finds in a JSON text, as text; nothing when it is no JSON or fits no step."""
        try:
            document = msgspec.json.decode(to_bytes(text))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
        values: list[Any] = [document]
        for step in self.steps:
            values = [inner for value in values for inner in _step(value, step)][:MOST_VALUES]
        return [_shown(value) for value in values if value is not None]


@lru_cache(maxsize=2048)
def compile_query(source: str) -> Query:
    """The compiled query; DslError when it uses more of jq than is built."""
    position, steps = 0, []
    text = source.strip()
    if not text.startswith(".") or len(text) > LONGEST_QUERY:
        raise DslError(f"the jq query {source!r} is not supported")
    while text[position:].strip() not in ("", "."):
        match = STEP.match(text, position)
        if match is None or match.end() == position:
            raise DslError(f"the jq query {source!r} is not supported")
        steps.append(_compiled_step(match))
        position = match.end()
    return Query(tuple(steps))


def _compiled_step(match: re.Match[str]) -> str | int | None:
    if match["each"]:
        return None
    if match["index"] is not None:
        return int(match["index"])
    return next(match[kind] for kind in ("name", "quoted", "key") if match[kind] is not None)


def _step(value: Any, step: str | int | None) -> Iterator[Any]:
    if step is None:
        yield from value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    elif isinstance(step, int):
        if isinstance(value, list) and -len(value) <= step < len(value):
            yield value[step]
    elif isinstance(value, dict) and step in value:
        yield value[step]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return narrow(value)
    return msgspec.json.encode(value).decode("latin-1")
