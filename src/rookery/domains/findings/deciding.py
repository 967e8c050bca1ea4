"""What people decide about findings, set by set: one selection chooses, tells the history, and changes.

All of it happens in the caller's transaction. Which findings are meant is said as conditions (`conditions`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, literal, select, update
from sqlalchemy.orm import Session

from rookery.base.clock import now_us as clock_us
from rookery.base.ids import new_id
from rookery.domains.findings.dialects import insert_into
from rookery.domains.findings.models import Finding, FindingEvent
from rookery.domains.findings.rules import State, sources_of

Conditions = Sequence[ColumnElement[bool]]

LISTED = 100  # ids that an event names
BLOCK = 500
HISTORY = ("id", "finding_id", "at_us", "kind", "actor", "from_state", "to_state", "reason", "run_id")


class Decision(NamedTuple):
    """A new state: who says so, why, and, for an accepted risk, until when."""

    state: State
    reason: str
    actor: str
    until_us: int | None = None


def ids_of(session: Session, where: Conditions, limit: int = LISTED) -> tuple[str, ...]:
    """The first ids of those that are meant."""
    return tuple(session.scalars(select(Finding.id).where(*where).order_by(Finding.id).limit(limit)))


def states_of(session: Session, where: Conditions) -> dict[State, int]:
    """How many of those that are meant are in which state."""
    query = select(Finding.state, func.count()).where(*where).group_by(Finding.state)
    return {State(state): count for state, count in session.execute(query)}


def decide(session: Session, where: Conditions, decision: Decision) -> int:
    """Bring those that are meant, and may, to another state; how many."""
    now_us, new = clock_us(), decision.state.value
    allowed = (*where, Finding.state.in_([state.value for state in sources_of(decision.state)]))
    _tell(session, allowed, "state", decision.actor, decision.reason, to_state=new)
    values = {
        "state": new,
        "state_reason": decision.reason,
        "state_by": decision.actor,
        "state_at_us": now_us,
        "state_until_us": decision.until_us,
        "needs_review": False,
        "fixed_us": now_us if decision.state is State.FIXED else None,
    }
    return _change(session, allowed, values)


def assign(session: Session, where: Conditions, owner: str, *, actor: str) -> int:
    """Give those that are meant to somebody, or with `""` to nobody; how many were not theirs."""
    others = (*where, Finding.owner != owner)
    _tell(session, others, "owner", actor, f"Owner is now {owner}." if owner else "Nobody owns it any more.")
    return _change(session, others, {"owner": owner})


def note(session: Session, where: Conditions, text: str, *, actor: str) -> None:
    """Write a note into the history of those that are meant."""
    _tell(session, where, "note", actor, text)


def label(
    session: Session, where: Conditions, add: Sequence[str], remove: Sequence[str], *, actor: str
) -> int:
    """Add and remove labels; how many findings changed."""
    changed = 0
    rows = iter(session.execute(select(Finding.id, Finding.labels).where(*where)).all())
    while block := list(islice(rows, BLOCK)):
        new = {id_: labels for id_, old in block if (labels := _labelled(old, add, remove)) != old}
        if new:
            _write_labels(session, new, add, remove, actor)
        changed += len(new)
    return changed


def _labelled(labels: str, add: Sequence[str], remove: Sequence[str]) -> str:
    kept = [word for word in msgspec.json.decode(labels) if word not in remove]
    return msgspec.json.encode([*kept, *(word for word in add if word not in kept)]).decode()


def _write_labels(
    session: Session, new: Mapping[str, str], add: Sequence[str], remove: Sequence[str], actor: str
) -> None:
    said = [*(f"+{word}" for word in add), *(f"-{word}" for word in remove)]
    _tell(session, (Finding.id.in_(list(new)),), "labels", actor, " ".join(said))
    statement = update(Finding).where(Finding.id == bindparam("of")).values(labels=bindparam("its_labels"))
    rows = [{"of": id_, "its_labels": labels} for id_, labels in new.items()]
    session.connection().execute(statement, rows)


def _tell(
    session: Session, where: Conditions, kind: str, actor: str, reason: str, *, to_state: str = ""
) -> None:
    """A line in the history of each that is meant."""
    from_state = Finding.state if to_state else literal("")
    key = literal(f"{new_id()}/") + Finding.id
    values = (clock_us(), kind, actor)
    told = (to_state, reason, "")
    lines = select(key, Finding.id, *map(literal, values), from_state, *map(literal, told)).where(*where)
    session.execute(insert_into(session, FindingEvent).from_select(list(HISTORY), lines))


def _change(session: Session, where: Conditions, values: Mapping[str, Any]) -> int:
    statement = update(Finding).where(*where).values(**values)
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)
