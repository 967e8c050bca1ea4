"""Extractors, compiled to closures over one response's values. Each gives distinct texts, in order found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rookery.mechanisms.engine.dsl import Expression, compile_expression, to_text
from rookery.mechanisms.engine.errors import DslError, TemplateError, UnknownFunction, UnsupportedTemplate
from rookery.mechanisms.engine.jq import compile_query
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.matchers import part_text, refusal
from rookery.mechanisms.engine.model import ExtractorSpec
from rookery.mechanisms.engine.parts import ALIASES
from rookery.mechanisms.engine.regex import compile_regex
from rookery.mechanisms.engine.values import Values
from rookery.mechanisms.engine.xpath import Markup, compile_xpath

MOST_VALUES = 1000  # per extractor and response: a pattern that matches the empty text finds one per byte
Find = Callable[[Values], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Extractor:
    """A compiled extractor. `names` are the values it reads; an internal one feeds later requests only."""

    name: str
    internal: bool
    names: frozenset[str]
    _find: Find

    def extract(self, values: Values) -> list[str]:
        """What it finds, without repetition, at most MOST_VALUES."""
        return list(dict.fromkeys(islice(self._find(values), MOST_VALUES)))


def compile_extractor(spec: ExtractorSpec, path: str) -> Extractor:
    """The compiled extractor; TemplateError at its line when an expression or regex is wrong."""
    try:
        find, names = COMPILERS[spec.kind](spec)
    except UnknownFunction as error:
        raise refusal(error, path, spec.line) from None
    except DslError as error:
        if spec.kind == "json":
            raise UnsupportedTemplate(str(error), path=path) from None
        raise TemplateError(str(error), path=path, line=spec.line) from None
    return Extractor(narrow(spec.name), spec.internal, names | {ALIASES.get(spec.part, spec.part)}, find)


def _regex(spec: ExtractorSpec) -> tuple[Find, frozenset[str]]:
    flags = "(?i)" if spec.case_insensitive else ""
    patterns = [compile_regex(flags + narrow(pattern)) for pattern in spec.regex]

    def find(values: Values) -> Iterator[str]:
        text = part_text(values, spec.part)
        if text is not None:
            for pattern in patterns:
                if spec.group <= pattern.groups:
                    yield from pattern.finditer(text, spec.group)

    return find, frozenset()


def _kval(spec: ExtractorSpec) -> tuple[Find, frozenset[str]]:
    keys = tuple(narrow(key).lower().replace("-", "_") for key in spec.kval)

    def find(values: Values) -> Iterator[str]:
        for key in keys:
            text = part_text(values, key)
            if text is not None:
                yield text.lower() if spec.case_insensitive else text

    return find, frozenset(keys)


def _json(spec: ExtractorSpec) -> tuple[Find, frozenset[str]]:
    queries = [compile_query(query) for query in spec.json]

    def find(values: Values) -> Iterator[str]:
        text = part_text(values, spec.part)
        if text is not None:
            for query in queries:
                yield from query.results(text)

    return find, frozenset()


def _dsl(spec: ExtractorSpec) -> tuple[Find, frozenset[str]]:
    expressions = [compile_expression(narrow(source)) for source in spec.dsl]

    def find(values: Values) -> Iterator[str]:
        return (text for expression in expressions if (text := _value(expression, values)))

    return find, frozenset().union(*(expression.names for expression in expressions))


def _value(expression: Expression, values: Values) -> str:
    try:
        return to_text(expression.evaluate(values.lookup))
    except (DslError, KeyError):
        return ""


def _xpath(spec: ExtractorSpec) -> tuple[Find, frozenset[str]]:
    paths = tuple(narrow(path) for path in spec.xpath)
    for path in paths:
        compile_xpath(path)

    def find(values: Values) -> Iterator[str]:
        text = part_text(values, spec.part)
        if text is not None:
            markup = Markup(text)
            for path in paths:
                yield from markup.texts(path, spec.attribute)

    return find, frozenset()


COMPILERS: dict[str, Callable[[ExtractorSpec], tuple[Find, frozenset[str]]]] = {
    "regex": _regex,
    "kval": _kval,
    "json": _json,
    "dsl": _dsl,
    "xpath": _xpath,
}
