"""Matchers, compiled to closures over the values of one response."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rookery.mechanisms.engine.dsl import Expression, compile_expression, to_text
from rookery.mechanisms.engine.errors import (
    DslError,
    RefusedFunction,
    TemplateError,
    UnknownFunction,
    UnsupportedTemplate,
)
from rookery.mechanisms.engine.latin import lower, narrow
from rookery.mechanisms.engine.model import MatcherSpec
from rookery.mechanisms.engine.parts import ALIASES
from rookery.mechanisms.engine.regex import compile_regex
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.values import Values
from rookery.mechanisms.engine.words import Words
from rookery.mechanisms.engine.xpath import Markup, compile_xpath

CHEAPEST_FIRST = ("status", "size", "word", "binary", "regex", "dsl", "xpath")
Test = Callable[[Values], bool]
MostlyAll = Callable[[Iterable[bool]], bool]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled matcher. `names` are the values it reads; an internal one is never reported; `cost` ranks
    what a test takes."""

    name: str
    internal: bool
    names: frozenset[str]
    matches: Test
    cost: int = 0


def part_text(values: Values, part: str) -> str | None:
    """The text of a part, None when the response has none of that name."""
    try:
        return to_text(values.lookup(ALIASES.get(part, part)))
    except KeyError:
        return None


def compile_matcher(spec: MatcherSpec, path: str) -> Matcher:
    """One compiled matcher."""
    return compile_matchers((spec,), path)[0]


def compile_matchers(specs: Iterable[MatcherSpec], path: str) -> tuple[Matcher, ...]:
    """The compiled matchers of a block; TemplateError at its line when an expression or regex is wrong.

    Words that several look for in the same part are looked for together.
    """
    sets: dict[tuple[str, bool], Words] = {}
    return tuple(_compiled(spec, path, sets) for spec in specs)


def _compiled(spec: MatcherSpec, path: str, sets: dict[tuple[str, bool], Words]) -> Matcher:
    try:
        if spec.kind == "word":
            return _word(spec, sets.setdefault((spec.part, spec.case_insensitive), Words()))
        return COMPILERS[spec.kind](spec)
    except UnknownFunction as error:
        raise refusal(error, path, spec.line) from None
    except (DslError, binascii.Error) as error:
        raise TemplateError(str(error), path=path, line=spec.line) from None


def refusal(error: UnknownFunction, path: str, line: int) -> Exception:
    """Unsupported for a helper of nuclei that is not run here, invalid for one that nobody has."""
    if isinstance(error, RefusedFunction):
        return UnsupportedTemplate(str(error), path=path)
    return TemplateError(str(error), path=path, line=line)


def _matcher(spec: MatcherSpec, test: Test, names: frozenset[str] = frozenset()) -> Matcher:
    whole = names | {ALIASES.get(spec.part, spec.part)}
    return Matcher(spec.name, spec.internal, whole, test, CHEAPEST_FIRST.index(spec.kind))


def _over_part(spec: MatcherSpec, found: Callable[[str, Values], bool]) -> Test:
    """A test of one part: a missing part is false, even when the matcher is negative."""
    part, negative = spec.part, spec.negative

    def test(values: Values) -> bool:
        text = part_text(values, part)
        return text is not None and found(text, values) is not negative

    return test


def _quantifier(spec: MatcherSpec) -> MostlyAll:
    return all if spec.is_and else any


def _word(spec: MatcherSpec, together: Words) -> Matcher:
    words = tuple(narrow(word) for word in spec.words)
    if spec.encoding == "hex":
        words = tuple(_unhexed(word) for word in words)
    texts = tuple(compile_text(word) for word in words)
    quantifier, fold = _quantifier(spec), spec.case_insensitive
    names = frozenset().union(*(text.names for text in texts))

    def found(text: str, values: Values) -> bool:
        corpus = lower(text) if fold else text
        return quantifier(_folded(word, values, fold=fold) in corpus for word in texts)

    def found_static(text: str, _: Values) -> bool:
        corpus = lower(text) if fold else text
        known = together.found_in(corpus)
        if known is None:
            return quantifier(word in corpus for word in plain)
        return quantifier(number in known for number in numbers)

    if any(not text.is_static for text in texts):
        return _matcher(spec, _over_part(spec, found), names)
    plain = tuple(word.lower() if fold else word for word in words)
    numbers = together.add(plain)
    return _matcher(spec, _over_part(spec, found_static))


def _unhexed(word: str) -> str:
    """The bytes that hex stands for; what is no hex stays as it is, for that is what nuclei does."""
    try:
        return binascii.unhexlify(word).decode("latin-1") or word
    except binascii.Error:
        return word


def _folded(word: Text, values: Values, *, fold: bool) -> str:
    try:
        rendered = word.render_leniently(values.lookup)
    except DslError:  # its values are unreasonably long
        rendered = word.source
    return rendered.lower() if fold else rendered


def _regex(spec: MatcherSpec) -> Matcher:
    texts = tuple(compile_text(narrow(pattern)) for pattern in spec.regex)
    quantifier = _quantifier(spec)
    patterns = tuple(compile_regex(text.source) for text in texts if text.is_static)
    names = frozenset().union(*(text.names for text in texts))

    def found(text: str, values: Values) -> bool:
        return quantifier(_regex_found(pattern, text, values) for pattern in texts)

    def found_static(text: str, _: Values) -> bool:
        return quantifier(pattern.found_in(text) for pattern in patterns)

    is_static = len(patterns) == len(texts)
    return _matcher(spec, _over_part(spec, found_static if is_static else found), names)


def _regex_found(pattern: Text, text: str, values: Values) -> bool:
    try:
        return compile_regex(pattern.render_leniently(values.lookup)).found_in(text)
    except DslError:  # a value made it no regex
        return False


def _binary(spec: MatcherSpec) -> Matcher:
    needles = tuple(binascii.unhexlify(text).decode("latin-1") for text in spec.binary)
    quantifier = _quantifier(spec)
    return _matcher(spec, _over_part(spec, lambda text, _: quantifier(item in text for item in needles)))


def _size(spec: MatcherSpec) -> Matcher:
    sizes = frozenset(spec.size)
    return _matcher(spec, _over_part(spec, lambda text, _: len(text) in sizes))


def _status(spec: MatcherSpec) -> Matcher:
    statuses, negative = frozenset(spec.status), spec.negative

    def test(values: Values) -> bool:
        return values.current is not None and (values.current.status in statuses) is not negative

    return _matcher(spec, test)


def _dsl(spec: MatcherSpec) -> Matcher:
    expressions = tuple(compile_expression(narrow(source)) for source in spec.dsl)
    quantifier, negative = _quantifier(spec), spec.negative
    names = frozenset().union(*(expression.names for expression in expressions))

    def test(values: Values) -> bool:
        return quantifier(holds(expression, values) for expression in expressions) is not negative

    return _matcher(spec, test, names)


def holds(expression: Expression, values: Values) -> bool:
    """Whether an expression is true; an error or another type is false."""
    try:
        return expression.evaluate(values.lookup) is True
    except (DslError, KeyError):
        return False


def _xpath(spec: MatcherSpec) -> Matcher:
    paths = tuple(narrow(path) for path in spec.xpath)
    quantifier = _quantifier(spec)
    for path in paths:
        compile_xpath(path)

    def found(text: str, _: Values) -> bool:
        markup = Markup(text)
        return quantifier(bool(markup.nodes(path)) for path in paths)

    return _matcher(spec, _over_part(spec, found))


COMPILERS: dict[str, Callable[[MatcherSpec], Matcher]] = {
    "regex": _regex,
    "binary": _binary,
    "size": _size,
    "status": _status,
    "dsl": _dsl,
    "xpath": _xpath,
}
