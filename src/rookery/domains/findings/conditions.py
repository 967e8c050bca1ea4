"""What the terms of a filter of findings mean in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, false, func, not_, or_

from rookery.domains.findings.filters import VOCABULARY
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import ACTIVE, Severity, State
from rookery.mechanisms.filters.grammar import Value
from rookery.mechanisms.filters.meaning import COMPARE, Condition, Meaning, condition_of, refuse

COLUMNS: Mapping[str, Any] = {
    "sev": Finding.severity,
    "tag": (Finding.tags, Finding.labels),
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


def _severity(meaning: Meaning, name: str, comparison: str, value: Value, _now_us: int) -> Condition:
    if value.text.upper() not in Severity.__members__:
        refuse(value, "is no severity", [severity.word for severity in Severity])
    return condition_of(COMPARE[comparison](meaning.columns[name], int(Severity.of(value.text))))


def _state(_meaning: Meaning, _name: str, _operator: str, value: Value, now_us: int) -> Condition:
    word = value.text.lower().replace("-", "_")
    is_over = and_(Finding.state == State.RISK_ACCEPTED.value, Finding.state_until_us < now_us)
    if word == "active":
        return or_(Finding.state.in_(sorted(ACTIVE)), is_over)
    if word not in list(State):
        refuse(value, "is no state", [*State, "active"])
    is_in = condition_of(Finding.state == word)
    if word == State.OPEN:  # an acceptance that has run out waits for the next run to say so
        return or_(is_in, is_over)
    return and_(is_in, not_(func.coalesce(is_over, false()))) if word == State.RISK_ACCEPTED else is_in


MEANING = Meaning(VOCABULARY, COLUMNS, SEARCHED, {"severity": _severity, "state": _state})


def conditions(filter_: str, now_us: int | None = None) -> list[Condition]:
    """What a finding must fulfil to pass a filter, all of it. Raises FilterNotValid."""
    return MEANING.conditions(filter_, now_us)
