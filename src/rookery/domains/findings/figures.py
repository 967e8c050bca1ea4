"""What a report says above its list: how many, how bad, how late; counted by the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, case, distinct, func, select
from sqlalchemy.orm import Session

from rookery import __version__
from rookery.base.clock import from_us, now_us
from rookery.domains.findings.formats.report import About, Bar
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import ACTIVE, Severity, State
from rookery.mechanisms.filters.meaning import Condition

MOST_BARS = 6

IS_ACTIVE = Finding.state.in_(sorted(ACTIVE))


def figures(session: Session, chosen: Sequence[Condition], filter_: str) -> About:
    """The figures of the findings that are chosen."""
    moment = now_us()
    late, exploited = and_(IS_ACTIVE, Finding.due_us < moment), and_(IS_ACTIVE, Finding.kev)
    sums = (func.count(case((condition, 1))) for condition in (IS_ACTIVE, late, exploited))
    counted = select(func.count(), *sums, func.count(distinct(Finding.target))).where(*chosen)
    total, active, overdue, known, targets = tuple[int, ...](session.execute(counted).one())
    return About(
        made=from_us(moment).isoformat(),
        version=__version__,
        chosen=filter_,
        total=total,
        active=active,
        overdue=overdue,
        exploited=known,
        targets=targets,
        by_severity=_by_severity(session, chosen),
        by_state=_by_state(session, chosen),
        by_target=_most(session, chosen, Finding.target, Finding.target),
        by_template=_most(session, chosen, Finding.template_id, func.max(Finding.name)),
    )


def _by_severity(session: Session, chosen: Sequence[Condition]) -> list[Bar]:
    query = select(Finding.severity, func.count()).where(*chosen, IS_ACTIVE).group_by(Finding.severity)
    counts = dict(session.execute(query).all())
    return [(one.word, counts[one], one.word) for one in reversed(Severity) if one in counts]


def _by_state(session: Session, chosen: Sequence[Condition]) -> list[Bar]:
    query = select(Finding.state, func.count()).where(*chosen).group_by(Finding.state)
    counts = dict(session.execute(query).all())
    return [(state.replace("_", " "), counts[state], "") for state in State if state in counts]


def _most(session: Session, chosen: Sequence[Condition], column: Any, name: Any) -> list[Bar]:
    count = func.count()
    query = select(name, count).where(*chosen, IS_ACTIVE).group_by(column)
    rows = session.execute(query.order_by(count.desc(), column).limit(MOST_BARS))
    return [(name, count, "") for name, count in rows]
