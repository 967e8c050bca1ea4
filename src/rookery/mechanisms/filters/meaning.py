"""What the terms of a filter mean in SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, not_, or_

from rookery.base.clock import now_us as clock_us
from rookery.base.dates import DURATION, UNITS, date_us
from rookery.mechanisms.filters.grammar import FilterNotValid, Term, Value, Vocabulary, parse

Condition = ColumnElement[bool]
Kind = Callable[["Meaning", str, str, Value, int], Condition]
"""Of a field's name, how it is compared, with what, and the present moment in microseconds."""

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    ":": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}


class Meaning:
    """What the fields of a vocabulary are in the tables.

    `columns` by field; a field of kind "list" may have several, as a tuple, which hold JSON. Free text is
    looked for in `searched`. `kinds` are those that only this vocabulary has.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        columns: Mapping[str, Any],
        searched: Sequence[Any],
        kinds: Mapping[str, Kind] | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self.columns = columns
        self._searched = searched
        self._kinds: Mapping[str, Kind] = {**KINDS, **(kinds or {})}

    def conditions(self, filter_: str, now_us: int | None = None) -> list[Condition]:
        """What a row must fulfil to pass a filter, all of it. Raises FilterNotValid."""
        moment = clock_us() if now_us is None else now_us
        return [self._condition(term, moment) for term in parse(filter_, self._vocabulary)]

    def _condition(self, term: Term, now_us: int) -> Condition:
        alternatives = [self._one(term, value, now_us) for value in term.values]
        # Negations are of what is known: a finding without a due date is not overdue, and passes -due<now.
        is_met = or_(*alternatives)
        if term.operator == "!=":
            is_met = not_(func.coalesce(is_met, false()))
        return not_(func.coalesce(is_met, false())) if term.is_negated else is_met

    def _one(self, term: Term, value: Value, now_us: int) -> Condition:
        if term.field is None:
            return or_(*(column.icontains(value.text, autoescape=True) for column in self._searched))
        comparison = ":" if term.operator == "!=" else term.operator
        return self._kinds[term.field.kind](self, term.field.name, comparison, value, now_us)


def _pattern(meaning: Meaning, name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    column = meaning.columns[name]
    if not value.text:
        return condition_of(column == "")
    return condition_of(func.lower(column).like(like(value.text), escape="\\"))


def _id(meaning: Meaning, name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    """Its beginning is enough, for that is what tables show."""
    beginning = f"{like(value.text)}%" if value.text else ""
    return condition_of(func.lower(meaning.columns[name]).like(beginning, escape="\\"))


def like(glob: str) -> str:
    """The pattern of LIKE, in lower case, for one in which * and ? stand for any characters and any one."""
    escaped = re.sub(r"([\\%_])", r"\\\1", glob.lower())
    return escaped.replace("*", "%").replace("?", "_")


def _list(meaning: Meaning, name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    """Lists are JSON: an element is its text in quotation marks."""
    word = msgspec.json.encode(value.text).decode()
    pattern = f"%{like(word)}%"
    columns = meaning.columns[name]
    several = columns if isinstance(columns, tuple) else (columns,)
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in several))


def _number(meaning: Meaning, name: str, comparison: str, value: Value, _now_us: int) -> Condition:
    try:
        number = float(value.text)
    except ValueError:
        refuse(value, "is no number")
    return condition_of(COMPARE[comparison](meaning.columns[name], number))


def _flag(meaning: Meaning, name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    if value.text.lower() not in YES_OR_NO:
        refuse(value, "is neither yes nor no")
    return condition_of(meaning.columns[name].is_(YES_OR_NO[value.text.lower()]))


def _past(meaning: Meaning, name: str, comparison: str, value: Value, now_us: int) -> Condition:
    """A duration is an age: `seen<7d` is later than seven days ago."""
    if match := DURATION.fullmatch(value.text):
        comparison, moment = TURNED.get(comparison, ">="), now_us - int(match[1]) * UNITS[match[2]]
        return condition_of(COMPARE[comparison](meaning.columns[name], moment))
    return _at(meaning, name, comparison, value, now_us)


def _future(meaning: Meaning, name: str, comparison: str, value: Value, now_us: int) -> Condition:
    """A duration is time left: `due<7d` is before seven days from now."""
    if match := DURATION.fullmatch(value.text):
        comparison, moment = comparison.replace(":", "<="), now_us + int(match[1]) * UNITS[match[2]]
        return condition_of(COMPARE[comparison](meaning.columns[name], moment))
    return _at(meaning, name, comparison, value, now_us)


def _at(meaning: Meaning, name: str, comparison: str, value: Value, now_us: int) -> Condition:
    if value.text.lower() == "now":
        return condition_of(COMPARE[comparison](meaning.columns[name], now_us))
    end = date_us(value.text)
    if not end:
        refuse(value, "is no time", ["now", "7d", "12h", "2026-01-31"])
    start, column = end - UNITS["d"], meaning.columns[name]
    if comparison in {":", "="}:
        return and_(column > start, column <= end)
    return condition_of(COMPARE[comparison](column, start if comparison in {"<", ">="} else end))


def refuse(value: Value, fault: str, allowed: Sequence[str] = ()) -> NoReturn:
    """Raise FilterNotValid about a value."""
    hint = f"; allowed: {', '.join(allowed)}" if allowed else ""
    raise FilterNotValid(f"Filter, character {value.column}: {value.text[:80]!r} {fault}{hint}.")


def condition_of(expression: Any) -> Condition:
    """An expression that is known to be a condition."""
    condition: Condition = expression
    return condition


KINDS: Mapping[str, Kind] = {
    "pattern": _pattern,
    "id": _id,
    "list": _list,
    "number": _number,
    "flag": _flag,
    "past": _past,
    "future": _future,
}
