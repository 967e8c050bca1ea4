"""Tokens of the expression language, which is that of govaluate: names, numbers, quoted text, operators."""

from __future__ import annotations

import re
from typing import NamedTuple

from rookery.mechanisms.engine.errors import DslError

LONGEST_EXPRESSION = 256 << 10
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?|\.\d+)
  | (?P<name>[^\W\d]\w*(?:\.\w+)*)
  | \[(?P<bracket>[^\]\[]+)\]
  | (?P<quote>["'])
  | (?P<operator>&&|\|\||==|!=|>=|<=|=~|!~|\*\*|<<|>>|\?\?|\{\{|\}\}|[-+*/%<>!~&|^?:(),])
  )""",
    re.VERBOSE,
)
STRING = {
    '"': re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL),
}
ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Token(NamedTuple):
    """`kind` is number, name, text, operator or end; `offset` counts characters from the beginning."""

    kind: str
    text: str
    offset: int


def tokens(source: str) -> list[Token]:
    """All tokens, closed by one of kind 'end'; DslError at the first character that begins none."""
    if len(source) > LONGEST_EXPRESSION:
        raise DslError(f"an expression of {len(source):,} characters is too long")
    found: list[Token] = []
    position = 0
    while (match := TOKEN.match(source, position)) is not None:
        if match["quote"]:
            token, position = _string(source, match.end() - 1)
        else:
            token, position = _simple(match), match.end()
        found.append(token)
    if source[position:].strip():
        rest = source[position:].strip()
        raise DslError(f"unexpected {rest[:20]!r} in the expression {source[:80]!r}")
    return [*found, Token("end", "", len(source))]


def _simple(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    return Token("name" if kind == "bracket" else kind, match[kind], match.start(kind))


def _string(source: str, quote_at: int) -> tuple[Token, int]:
    match = STRING[source[quote_at]].match(source, quote_at + 1)
    if match is None:
        raise DslError(f"a quote is not closed in the expression {source[:80]!r}")
    # A backslash makes the next character itself and nothing else: '\n' is the letter n, as in govaluate.
    return Token("text", ESCAPE.sub(r"\1", match[1]), quote_at), match.end()
