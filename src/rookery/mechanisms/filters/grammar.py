"""The grammar: `sev>=high tag:dmz state:open host:10.0.* "free text" -tag:x seen<7d`.

Terms are separated by spaces and must all hold; commas give alternatives; a minus in front negates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from rookery.base.errors import Invalid

if TYPE_CHECKING:
    from lark import Token

LONGEST = 2_000  # characters
OF_OTHER_LANGUAGES = frozenset({"and", "or", "not", "&", "&&", "|", "||", "!"})
MOST_TERMS = 50

GRAMMAR = r"""
start: _SPACE? (term (_SPACE term)*)? _SPACE?
term: NOT? (condition | text)
condition: FIELD OPERATOR _value ("," _value)*
text: QUOTED | WORD
_value: QUOTED | VALUE
NOT.4: "-"
FIELD.3: /[A-Za-z_]+(?=:|[<>!]?=|[<>])/
OPERATOR.3: /:|<=|>=|!=|=|<|>/
QUOTED.2: /"(\\.|[^"\\])*"/
VALUE.1: /[^\s,"]+/
WORD: /[^\s"]+/
_SPACE: /\s+/
"""


class FilterNotValid(Invalid):
    """The filter cannot be understood. docs/reference/filters.md says what can be asked."""


class Field(NamedTuple):
    """One thing that can be asked for; `kind` says how its values are read and compared."""

    name: str
    kind: str
    help: str
    is_ordered: bool = False


class Vocabulary:
    """What can be asked for, under which names; `other_names` are understood as well."""

    def __init__(self, fields: Iterable[Field], other_names: Mapping[str, str] | None = None) -> None:
        self.fields = tuple(fields)
        self._by_name = {field.name: field for field in self.fields}
        self._other_names = other_names or {}

    def field(self, name: Token) -> Field:
        """The field of this name. Raises FilterNotValid, which names the nearest."""
        called = name.lower()
        field = self._by_name.get(self._other_names.get(called, called))
        if field is not None:
            return field
        nearest = get_close_matches(called, self._by_name, 1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(self._by_name)}."
        raise FilterNotValid(
            f"Filter, character {name.column}: there is no field {str(name)!r}; {hint} "
            "Text with a colon in it goes in quotation marks."
        )


ORDERED = frozenset({"number", "past", "future"})
"""Kinds whose values can be compared with < and >, beside those of a field that `is_ordered`."""


class Value(NamedTuple):
    """One value, and the character (from 1) at which it stands."""

    text: str
    column: int


class Term(NamedTuple):
    """One term: a field compared with any of the values, or, without a field, free text."""

    field: Field | None
    operator: str
    values: tuple[Value, ...]
    is_negated: bool


def parse(text: str, vocabulary: Vocabulary) -> tuple[Term, ...]:
    """The terms of a filter, in order. Raises FilterNotValid, which says where and what would be right."""
    if len(text) > LONGEST:
        raise FilterNotValid(f"The filter is {len(text)} characters long; {LONGEST} are allowed.")
    if not text.strip():
        return ()
    from lark import UnexpectedInput

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        _refuse(text, error)
    terms = tuple(_term(child, vocabulary) for child in tree.children)
    if len(terms) > MOST_TERMS:
        raise FilterNotValid(f"The filter has {len(terms)} terms; {MOST_TERMS} are allowed.")
    return terms


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark  # 50 ms that only a filter should cost

    return Lark(GRAMMAR, parser="lalr", lexer="contextual")


def _refuse(text: str, error: Any) -> NoReturn:
    is_at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
    column = len(text) + 1 if is_at_end else max(error.column, 1)
    rest = text[column - 1 :].split()
    if text[column - 1 :].startswith('"'):
        raise FilterNotValid(f"Filter, character {column}: this quotation mark is not closed.")
    near = f"near {rest[0]!r}" if rest else "at its end"
    raise FilterNotValid(
        f"Filter, character {column}, {near}: a value, or a term like sev>=high, is missing."
    )


def _term(tree: Any, vocabulary: Vocabulary) -> Term:
    *negation, body = tree.children
    if body.data == "text":
        return Term(None, ":", (_text(body.children[0]),), bool(negation))
    name, operator, *values = body.children
    field = vocabulary.field(name)
    if operator not in {":", "=", "!="} and not (field.is_ordered or field.kind in ORDERED):
        raise FilterNotValid(
            f"Filter, character {operator.column}: {name} can be asked with ':', not with {str(operator)!r}."
        )
    return Term(field, str(operator), tuple(map(_value, values)), bool(negation))


def _text(token: Any) -> Value:
    """Free text. What another language would take for more than a word is not looked for in silence."""
    if token.type == "WORD" and (token.lower() in OF_OTHER_LANGUAGES or token[0] == "("):
        raise FilterNotValid(
            f"Filter, character {token.column}: {str(token)!r} has no meaning here. Terms side by side must "
            "all hold, a comma gives alternatives (sev:low,high), a minus negates; as a text, it is quoted."
        )
    return _value(token)


def _value(token: Any) -> Value:
    text = str(token)
    if token.type == "QUOTED":
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Value(text, token.column)
