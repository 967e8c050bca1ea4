"""Every query of findings. Writing is one upsert, called by the hook's sink inside its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, case, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.models import Finding
from rookery.domains.findings.rules import Severity
from rookery.mechanisms.dual import dual_read

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
COLUMNS = [column.name for column in Finding.__table__.columns]
FIXED = {"id", "fingerprint", "first_seen_us", "run_count"}
SHORTEST_PREFIX = 6  # characters of an id that may stand for the whole


@dual_read
def list_(
    session: Session,
    /,
    *,
    severities: Sequence[Severity] = (),
    target: str | None = None,
    run_id: str | None = None,
    limit: int = 100,
) -> list[Finding]:
    """Findings, the worst first, then the latest seen; `target` selects those of one scheme://host:port.

    `run_id` selects those that a run saw and no later run has seen again.
    """
    query = _chosen(select(Finding), severities, target, run_id)
    worst_first = (Finding.severity.desc(), Finding.last_seen_us.desc(), Finding.id.desc())
    return list(session.scalars(query.order_by(*worst_first).limit(limit)))


@dual_read
def count(
    session: Session,
    /,
    *,
    severities: Sequence[Severity] = (),
    target: str | None = None,
    run_id: str | None = None,
) -> int:
    """How many findings `list_` would return without its limit."""
    query = _chosen(select(func.count()).select_from(Finding), severities, target, run_id)
    return session.scalar(query) or 0


@dual_read
def get(session: Session, /, id_: str) -> Finding:
    """The finding with this id, or whose id alone ends or begins with it. Raises FindingNotFound."""
    if finding := session.get(Finding, id_):
        return finding
    if len(id_) >= SHORTEST_PREFIX:
        query = select(Finding).where(Finding.id.startswith(id_, autoescape=True)).limit(2)
        matches = list(session.scalars(query))
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise FindingNotFound(f"More than one finding's id begins with {id_}; give more of it.")
    raise FindingNotFound(f"There is no finding {id_}. `rookery findings list` shows the ids.")


def _chosen(
    query: Select[Any], severities: Sequence[Severity], target: str | None, run_id: str | None
) -> Select[Any]:
    if severities:
        query = query.where(Finding.severity.in_([int(severity) for severity in severities]))
    if target is not None:
        query = query.where(Finding.target == target)
    if run_id is not None:
        query = query.where(Finding.last_run_id == run_id)
    return query


def upsert(connection: Connection, items: Iterable[object]) -> None:
    """Write sightings: a new row, or a later sighting of one that is there; other items are passed over.

    A sighting older than the row's last one, which another process was slow to bring, is counted, and may
    change when the weakness was first seen, but no more. A run counts once, however often it sees it.
    """
    rows = [_row(item) for item in items if isinstance(item, Vulnerability)]
    if rows:
        connection.execute(_statement(connection.dialect.name), rows)


@cache
def _statement(dialect: str) -> Any:
    insert = INSERT[dialect](Finding)
    new = insert.excluded
    is_newer = new.last_seen_us >= Finding.last_seen_us
    changed: dict[str, Any] = {
        name: case((is_newer, new[name]), else_=getattr(Finding, name))
        for name in COLUMNS
        if name not in FIXED
    }
    is_first = new.first_seen_us < Finding.first_seen_us
    changed["first_seen_us"] = case((is_first, new.first_seen_us), else_=Finding.first_seen_us)
    changed["run_count"] = Finding.run_count + case((Finding.last_run_id != new.last_run_id, 1), else_=0)
    return insert.on_conflict_do_update(index_elements=[Finding.fingerprint], set_=changed)


def _row(item: Vulnerability) -> dict[str, Any]:
    seen_us = round(item._timestamp * 1_000_000)
    return {
        "id": item.finding_id,
        "fingerprint": item.fingerprint,
        "template_id": item.template_id,
        "matcher": item.matcher,
        "name": item.name,
        "severity": int(Severity.of(item.severity)),
        "target": item.target,
        "matched_at": item.matched_at,
        "extracted": _json(item.extracted),
        "description": item.description,
        "remediation": item.remediation,
        "reference": _json(item.reference),
        "tags": _json(item.tags),
        "first_seen_us": seen_us,
        "last_seen_us": seen_us,
        "last_run_id": item.run_id,
        "run_count": 1,
    }


def _json(words: list[str]) -> str:
    return msgspec.json.encode(words).decode()
