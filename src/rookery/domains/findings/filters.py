"""The filter language: `sev>=high tag:dmz state:open host:10.0.* "free text" -tag:x seen<7d`.

Terms are separated by spaces and must all hold; commas give alternatives; a minus in front negates. What can
be asked is in `FIELDS`, documented in docs/reference/filters.md; what it means in SQL is in `conditions`.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from rookery.domains.findings.errors import FilterNotValid

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


class Field(NamedTuple):
    """One thing that can be asked for; `kind` says how its values are read and compared."""

    name: str
    kind: str
    help: str


FIELDS = (
    Field("sev", "severity", "severity: unknown, info, low, medium, high, critical; also `>=`, `<`, …"),
    Field(
        "state",
        "state",
        "open, triaged, false_positive, risk_accepted, fixed, out_of_scope; `active`: the first two",
    ),
    Field("tag", "list", "a tag of its template, or a label that somebody gave it"),
    Field("host", "pattern", "host name or address; `*` and `?` stand for any characters and any one"),
    Field("target", "pattern", "what was scanned, `http://127.0.0.1:8080`"),
    Field("at", "pattern", "where it matched: URL, host:port, file or name"),
    Field("port", "number", "port; also `>`, `<`, …"),
    Field("type", "pattern", "protocol: http, dns, tcp, ssl, file"),
    Field("template", "pattern", "id of its template"),
    Field("matcher", "pattern", "name of the matcher or extractor"),
    Field("engine", "pattern", "what saw it last: `embedded`, `nuclei*`"),
    Field("id", "pattern", "id of the finding"),
    Field("group", "pattern", "id of its group: the same weakness on other targets"),
    Field("run", "pattern", "id of the run that saw it last"),
    Field("project", "pattern", "project"),
    Field("owner", "pattern", 'who takes care of it; `owner:""` is nobody'),
    Field("cve", "list", "CVE-2024-1"),
    Field("cwe", "list", "CWE-79"),
    Field("cvss", "number", "CVSS score, 0 to 10"),
    Field("epss", "number", "probability of exploitation within 30 days, 0 to 1"),
    Field("percentile", "number", "EPSS percentile, 0 to 1"),
    Field("kev", "flag", "yes: known to be exploited (CISA)"),
    Field("ransomware", "flag", "yes: used by ransomware (CISA)"),
    Field("review", "flag", "yes: dismissed, and what that rested on has changed"),
    Field("runs", "number", "number of runs that saw it"),
    Field("reopened", "number", "how often it was opened again"),
    Field("seen", "past", "when it was seen last: `seen<7d` within seven days, `seen>30d` not for thirty"),
    Field("first", "past", "when it was seen first"),
    Field("fixed", "past", "when it was fixed"),
    Field("due", "future", "when it is due: `due<now` overdue, `due<7d` within seven days"),
)
OTHER_NAMES = {"severity": "sev", "label": "tag", "url": "at"}
BY_NAME = {field.name: field for field in FIELDS}
ORDERED = frozenset({"severity", "number", "past", "future"})
"""Kinds whose values can be compared with < and >."""


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


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter, in order. Raises FilterNotValid, which says where and what would be right."""
    if len(text) > LONGEST:
        raise FilterNotValid(f"The filter is {len(text)} characters long; {LONGEST} are allowed.")
    from lark import UnexpectedInput

    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        _refuse(text, error)
    terms = tuple(_term(child) for child in tree.children)
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


def _term(tree: Any) -> Term:
    *negation, body = tree.children
    if body.data == "text":
        return Term(None, ":", (_text(body.children[0]),), bool(negation))
    name, operator, *values = body.children
    called = str(name).lower()
    field = BY_NAME.get(OTHER_NAMES.get(called, called))
    if field is None:
        _unknown(name)
    if operator not in {":", "=", "!="} and field.kind not in ORDERED:
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


def _unknown(name: Any) -> NoReturn:
    nearest = get_close_matches(name.lower(), BY_NAME, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(f.name for f in FIELDS)}."
    raise FilterNotValid(
        f"Filter, character {name.column}: there is no field {str(name)!r}; {hint} "
        "Text with a colon in it goes in quotation marks."
    )


def _value(token: Any) -> Value:
    text = str(token)
    if token.type == "QUOTED":
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Value(text, token.column)
