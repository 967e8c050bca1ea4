"""Text with {{placeholders}}, compiled once. Rendered values are data: what they contain is never looked at
again.

A span is the shortest `{{…}}` that is a name or parses as an expression. One that only holds literals, such
as `{{7*7}}`, stays as it is written, for templates probe template engines with it. One that cannot be
resolved makes the request be skipped, which is what nuclei does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rookery.mechanisms.engine.dsl.parser import Expression, compile_expression
from rookery.mechanisms.engine.dsl.values import Lookup, bounded, to_text
from rookery.mechanisms.engine.errors import DslError, RefusedFunction, UnsupportedTemplate
from rookery.mechanisms.engine.latin import narrow

NAME = re.compile(r"[^\W\d][\w.-]*")
NUMBER = re.compile(r"[\d.+\-*/ ]+")
MARK = narrow("§")
OPENING = re.compile(r"\{\{|" + MARK)
MARKED = re.compile(MARK + r"([^\W\d][\w.-]*)" + MARK, re.ASCII)
MOST_ENDS = 24  # how many closing braces are tried for one opening pair


class Unresolved(Exception):  # control flow within the engine: the request is skipped
    """A placeholder has no value yet; the argument is its source."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One placeholder: a name, an expression, or (neither) something that can never be resolved."""

    source: str
    name: str = ""
    expression: Expression | None = None
    optional: bool = False  # §name§ stays as it is written when it has no value

    def render(self, lookup: Lookup) -> str:
        """The text of its value; Unresolved when there is none."""
        try:
            if self.expression is not None:
                return to_text(self.expression.evaluate(lookup))
            if self.name:
                return to_text(lookup(self.name))
        except (KeyError, DslError):
            if self.optional:
                return self.source
        raise Unresolved(self.source)


@dataclass(frozen=True, slots=True)
class Text:
    """Literal pieces and slots in order, with the names and functions they use."""

    source: str
    pieces: tuple[str | Slot, ...]
    names: frozenset[str]
    calls: frozenset[str]
    is_static: bool  # rendering always gives the source

    def render(self, lookup: Lookup) -> str:
        """The text with every slot filled; Unresolved names the first that cannot be."""
        if self.is_static:
            return self.source
        return _joined([piece if isinstance(piece, str) else piece.render(lookup) for piece in self.pieces])

    def render_leniently(self, lookup: Lookup) -> str:
        """The same, leaving what cannot be resolved as it was written."""
        return _joined(
            [piece if isinstance(piece, str) else _lenient(piece, lookup) for piece in self.pieces]
        )


def _joined(pieces: list[str]) -> str:
    bounded(sum(map(len, pieces)))
    return "".join(pieces)


def _lenient(slot: Slot, lookup: Lookup) -> str:
    try:
        return slot.render(lookup)
    except Unresolved:
        return slot.source


@lru_cache(maxsize=16384)
def compile_text(source: str) -> Text:
    """The compiled text. UnsupportedTemplate when it calls a helper of nuclei that is not built."""
    pieces: list[str | Slot] = []
    position = 0
    while (match := OPENING.search(source, position)) is not None:
        start = match.start()
        slot, end = _span(source, start) if match[0] == "{{" else _marked(source, start)
        pieces += [source[position:start], slot]
        position = end
    pieces.append(source[position:])
    is_static = not any(isinstance(piece, Slot) for piece in pieces)
    return Text(source, _merged(pieces), _used(pieces, _names), _used(pieces, _calls), is_static)


def _marked(source: str, start: int) -> tuple[str | Slot, int]:
    """The slot of a §name§ at start, the older way to write a placeholder; else the sign as it is."""
    match = MARKED.match(source, start)
    if match is None:
        return MARK, start + len(MARK)
    return Slot(match[0], name=match[1], optional=True), match.end()


def _span(source: str, start: int) -> tuple[str | Slot, int]:
    """The slot that begins at start and where it ends; literal text when it is none."""
    end = start
    for _ in range(MOST_ENDS):
        end = source.find("}}", max(end, start + 2))
        if end < 0:
            break
        end += 2
        slot = _slot(source[start:end])
        if slot is not None:
            return slot, end
        end -= 1  # braces may be part of quoted text: `}}}` has two ends
    return _hopeless(source, start)


def _slot(span: str) -> str | Slot | None:
    inner = span[2:-2]
    if NUMBER.fullmatch(inner):
        return span
    if NAME.fullmatch(inner):
        return Slot(span, name=inner)
    try:
        expression = compile_expression(inner)
    except RefusedFunction as error:
        raise UnsupportedTemplate(str(error)) from error
    except DslError:
        return None
    return Slot(span, expression=expression) if expression.names or expression.calls else span


def _hopeless(source: str, start: int) -> tuple[str | Slot, int]:
    """`{{…}}` that is no expression can never be resolved; `{{` without an end is plain text."""
    end = source.find("}}", start)
    if end < 0:
        return source[start:], len(source)
    return Slot(source[start : end + 2]), end + 2


def _merged(pieces: list[str | Slot]) -> tuple[str | Slot, ...]:
    merged: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return tuple(merged)


def _used(pieces: list[str | Slot], what: Callable[[Slot], frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(what(piece) for piece in pieces if isinstance(piece, Slot)))


def _names(slot: Slot) -> frozenset[str]:
    return slot.expression.names if slot.expression else frozenset({slot.name} - {""})


def _calls(slot: Slot) -> frozenset[str]:
    return slot.expression.calls if slot.expression else frozenset()
