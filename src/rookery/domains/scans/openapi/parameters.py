"""The parameters of an operation that are part of its URL, and the value the document itself has for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rookery.domains.scans.openapi.references import References

PLACES = frozenset({"path", "query"})
MOST = 200  # of one operation
LONGEST_VALUE = 1_000  # characters


class Parameter(msgspec.Struct, frozen=True):
    """One parameter; `value` is None where the document has none, `hint` tells a person what is wanted."""

    name: str
    place: str
    is_required: bool
    value: str | None
    hint: str


def parameters_of(levels: Iterable[Any], references: References) -> tuple[Parameter, ...]:
    """The parameters of these lists, those of a later one in the place of an earlier one's."""
    found: dict[tuple[str, str], Parameter] = {}
    for level in levels:
        for each in (level if isinstance(level, list) else [])[:MOST]:
            if parameter := _parameter(references.resolve(each), references):
                found[parameter.place, parameter.name] = parameter
    return tuple(found.values())


def _parameter(node: dict[str, Any], references: References) -> Parameter | None:
    name, place = node.get("name"), node.get("in")
    if not isinstance(name, str) or not isinstance(place, str) or place not in PLACES:
        return None  # headers, cookies and bodies are the template's own
    sources = [node, *_schemas(node, references)]
    value = next((text for source in sources for text in _values(source, references)), None)
    is_required = place == "path" or node.get("required") in (True, "true")
    return Parameter(name, place, is_required, value, _hint(node, sources))


def _schemas(node: dict[str, Any], references: References) -> Iterator[dict[str, Any]]:
    yield references.resolve(node.get("schema"))
    content = node.get("content")
    for media in list(content.values())[:1] if isinstance(content, dict) else []:
        inner = references.resolve(media)
        yield inner
        yield references.resolve(inner.get("schema"))


def _values(source: dict[str, Any], references: References) -> Iterator[str]:
    """What a parameter or schema offers as its value, the best first."""
    candidates: list[Any] = [source.get("example"), source.get("x-example")]
    examples = source.get("examples")
    if isinstance(examples, dict):
        candidates += [references.resolve(each).get("value") for each in list(examples.values())[:1]]
    candidates += [source.get("const"), source.get("default"), *_first(examples), *_first(source.get("enum"))]
    items = references.resolve(source.get("items"))
    candidates += [items.get("example"), items.get("default"), *_first(items.get("enum"))]
    return (text for text in map(text_of, candidates) if text is not None)


def _first(values: Any) -> list[Any]:
    return values[:1] if isinstance(values, list) else []


def text_of(value: Any) -> str | None:
    """A value as a URL has it: lists by commas; None for nothing, and for what a URL cannot say."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)[:LONGEST_VALUE] or None
    if isinstance(value, list) and value and all(isinstance(each, str | int | float) for each in value):
        return ",".join(str(each) for each in value[:100])[:LONGEST_VALUE]
    return None


def _hint(node: dict[str, Any], sources: Iterable[dict[str, Any]]) -> str:
    kinds = [source["type"] for source in sources if isinstance(source.get("type"), str)]
    described = node.get("description")
    words = [*kinds[:1], *([described] if isinstance(described, str) else [])]
    return " ".join(": ".join(words).split())[:120]
