"""What the terms of a filter mean in SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, not_, or_

from rookery.base.clock import now_us as clock_us
from rookery.domains.findings.dates import DURATION, UNITS, date_us
from rookery.domains.findings.errors import FilterNotValid
from rookery.domains.findings.filters import Term, Value, parse
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import ACTIVE, DAY_US, Severity, State

Condition = ColumnElement[bool]

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
COLUMNS: Mapping[str, Any] = {
    "sev": Finding.severity,
    "host": Finding.host,
    "target": Finding.target,
    "at": Finding.matched_at,
    "port": Finding.port,
    "type": Finding.type,
    "template": Finding.template_id,
    "matcher": Finding.matcher,
    "engine": Finding.engine,
    "id": Finding.id,
    "group": Finding.group_id,
    "run": Finding.last_run_id,
    "project": Finding.project_id,
    "owner": Finding.owner,
    "cve": Finding.cve,
    "cwe": Finding.cwe,
    "cvss": Finding.cvss_score,
    "epss": Finding.epss,
    "percentile": Finding.epss_percentile,
    "kev": Finding.kev,
    "ransomware": Finding.ransomware,
    "review": Finding.needs_review,
    "runs": Finding.run_count,
    "reopened": Finding.reopened_count,
    "seen": Finding.last_seen_us,
    "first": Finding.first_seen_us,
    "fixed": Finding.fixed_us,
    "due": Finding.due_us,
}
SEARCHED = (Finding.name, Finding.template_id, Finding.matcher, Finding.matched_at, Finding.description)
YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}


def conditions(filter_: str, now_us: int | None = None) -> list[Condition]:
    """What a finding must fulfil to pass a filter, all of it. Raises FilterNotValid."""
    moment = clock_us() if now_us is None else now_us
    return [_condition(term, moment) for term in parse(filter_)]


def _condition(term: Term, now_us: int) -> Condition:
    alternatives = [_one(term, value, now_us) for value in term.values]
    # Negations are of what is known: a finding without a due date is not overdue, and passes -due<now.
    is_met = or_(*alternatives)
    if term.operator == "!=":
        is_met = not_(func.coalesce(is_met, false()))
    return not_(func.coalesce(is_met, false())) if term.is_negated else is_met


def _one(term: Term, value: Value, now_us: int) -> Condition:
    if term.field is None:
        return or_(*(column.icontains(value.text, autoescape=True) for column in SEARCHED))
    comparison = ":" if term.operator == "!=" else term.operator
    return KINDS[term.field.kind](term.field.name, comparison, value, now_us)


def _pattern(name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    column = COLUMNS[name]
    if not value.text:
        return _condition_of(column == "")
    return _condition_of(func.lower(column).like(_like(value.text), escape="\\"))


def _like(glob: str) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", glob.lower())
    return escaped.replace("*", "%").replace("?", "_")


def _list(name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    """Lists are JSON: an element is its text in quotation marks."""
    word = msgspec.json.encode(value.text).decode()
    pattern = f"%{_like(word)}%"
    columns = (Finding.tags, Finding.labels) if name == "tag" else (COLUMNS[name],)
    return or_(*(func.lower(column).like(pattern, escape="\\") for column in columns))


def _severity(name: str, comparison: str, value: Value, _now_us: int) -> Condition:
    if value.text.upper() not in Severity.__members__:
        _refuse(value, "is no severity", [severity.word for severity in Severity])
    return _condition_of(COMPARE[comparison](COLUMNS[name], int(Severity.of(value.text))))


def _state(_name: str, _operator: str, value: Value, now_us: int) -> Condition:
    word = value.text.lower().replace("-", "_")
    is_over = and_(Finding.state == State.RISK_ACCEPTED.value, Finding.state_until_us < now_us)
    if word == "active":
        return or_(Finding.state.in_(sorted(ACTIVE)), is_over)
    if word not in list(State):
        _refuse(value, "is no state", [*State, "active"])
    is_in = _condition_of(Finding.state == word)
    if word == State.OPEN:  # an acceptance that has run out waits for the next run to say so
        return or_(is_in, is_over)
    return and_(is_in, not_(func.coalesce(is_over, false()))) if word == State.RISK_ACCEPTED else is_in


def _number(name: str, comparison: str, value: Value, _now_us: int) -> Condition:
    try:
        number = float(value.text)
    except ValueError:
        _refuse(value, "is no number")
    return _condition_of(COMPARE[comparison](COLUMNS[name], number))


def _flag(name: str, _operator: str, value: Value, _now_us: int) -> Condition:
    if value.text.lower() not in YES_OR_NO:
        _refuse(value, "is neither yes nor no")
    return _condition_of(COLUMNS[name].is_(YES_OR_NO[value.text.lower()]))


def _past(name: str, comparison: str, value: Value, now_us: int) -> Condition:
    """A duration is an age: `seen<7d` is later than seven days ago."""
    if match := DURATION.fullmatch(value.text):
        comparison, moment = TURNED.get(comparison, ">="), now_us - int(match[1]) * UNITS[match[2]]
        return _condition_of(COMPARE[comparison](COLUMNS[name], moment))
    return _at(name, comparison, value, now_us)


def _future(name: str, comparison: str, value: Value, now_us: int) -> Condition:
    """A duration is time left: `due<7d` is before seven days from now."""
    if match := DURATION.fullmatch(value.text):
        comparison, moment = comparison.replace(":", "<="), now_us + int(match[1]) * UNITS[match[2]]
        return _condition_of(COMPARE[comparison](COLUMNS[name], moment))
    return _at(name, comparison, value, now_us)


def _at(name: str, comparison: str, value: Value, now_us: int) -> Condition:
    if value.text.lower() == "now":
        return _condition_of(COMPARE[comparison](COLUMNS[name], now_us))
    end = date_us(value.text)
    if not end:
        _refuse(value, "is no time", ["now", "7d", "12h", "2026-01-31"])
    start, column = end - DAY_US, COLUMNS[name]
    if comparison in {":", "="}:
        return and_(column > start, column <= end)
    return _condition_of(COMPARE[comparison](column, start if comparison in {"<", ">="} else end))


def _refuse(value: Value, fault: str, allowed: Sequence[str] = ()) -> NoReturn:
    hint = f"; allowed: {', '.join(allowed)}" if allowed else ""
    raise FilterNotValid(f"Filter, character {value.column}: {value.text[:80]!r} {fault}{hint}.")


def _condition_of(expression: Any) -> Condition:
    condition: Condition = expression
    return condition


KINDS: Mapping[str, Callable[[str, str, Value, int], Condition]] = {
    "pattern": _pattern,
    "list": _list,
    "severity": _severity,
    "state": _state,
    "number": _number,
    "flag": _flag,
    "past": _past,
    "future": _future,
}
