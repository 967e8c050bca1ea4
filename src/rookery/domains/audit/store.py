"""Every query over stored entries for people to read. None of them waits for a writer, or makes one wait."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, TypeVarTuple, Unpack

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from rookery.base.clock import to_us
from rookery.base.errors import Invalid
from rookery.domains.audit.errors import EntryNotFound
from rookery.domains.audit.models import EntryRow
from rookery.domains.audit.rules import AuditEntry
from rookery.mechanisms.dual import dual_read

LONGEST_PAGE = 10_000  # entries
MOST_DIGITS = 18  # of a position; more would not fit into a BIGINT

_COLUMNS = (
    EntryRow.id,
    EntryRow.at_us,
    EntryRow.event_type,
    EntryRow.actor,
    EntryRow.object,
    EntryRow.request_id,
    EntryRow.details,
    EntryRow.position,
    EntryRow.hash,
)
Q = TypeVarTuple("Q")
_Columns = tuple[str, int, str, str, str, str, str, int, bytes]


class Wanted(TypedDict, total=False):
    """Which entries: what is given must match. `since` is included, `until` is not; both are aware."""

    event_type: str
    actor: str
    object: str
    since: datetime
    until: datetime


@dual_read
def list_(
    session: Session, /, *, limit: int = 100, before: int | None = None, **wanted: Unpack[Wanted]
) -> list[AuditEntry]:
    """The newest entries that match, newest first; `before` is the last position of the page before.

    Raises Invalid for a limit that is not from 1 to 10,000, a `before` that is no position, and a moment
    without a time zone.
    """
    if not 1 <= limit <= LONGEST_PAGE:
        raise Invalid(f"limit must be from 1 to {LONGEST_PAGE}")
    query = _matching(select(*_COLUMNS), wanted)
    if before is not None:
        if not 0 <= before < 10**MOST_DIGITS:
            raise Invalid(f"{before} is no position in the log: give the last one of the page before")
        query = query.where(EntryRow.position < before)
    newest_first = query.order_by(EntryRow.position.desc()).limit(limit)
    return [_entry(row) for row in session.execute(newest_first)]


@dual_read
def following(session: Session, /, position: int, limit: int = 500) -> list[AuditEntry]:
    """The entries after a position, oldest first."""
    query = select(*_COLUMNS).where(EntryRow.position > position).order_by(EntryRow.position).limit(limit)
    return [_entry(row) for row in session.execute(query)]


@dual_read
def newest(session: Session, /) -> int:
    """The position of the newest entry; 0 in an empty log."""
    return session.scalar(select(func.max(EntryRow.position))) or 0


@dual_read
def count(session: Session, /, **wanted: Unpack[Wanted]) -> int:
    """How many entries match."""
    counting = select(func.count()).select_from(EntryRow)
    number: int = session.execute(_matching(counting, wanted)).scalar_one()
    return number


@dual_read
def get(session: Session, /, entry_id: str) -> AuditEntry:
    """The entry with this id, or at this position, written in digits. Raises EntryNotFound."""
    is_position = entry_id.isdecimal() and len(entry_id) <= MOST_DIGITS
    wanted = EntryRow.position == int(entry_id) if is_position else EntryRow.id == entry_id
    row = session.execute(select(*_COLUMNS).where(wanted)).one_or_none()
    if row is None:
        raise EntryNotFound
    return _entry(row)


def _matching(query: Select[*Q], wanted: Wanted) -> Select[*Q]:
    equal = {
        name: value for name, value in wanted.items() if name not in {"since", "until"} and value is not None
    }
    query = query.filter_by(**equal)
    if since := wanted.get("since"):
        query = query.where(EntryRow.at_us >= _microseconds(since))
    if until := wanted.get("until"):
        query = query.where(EntryRow.at_us < _microseconds(until))
    return query


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise Invalid(f"{moment} has no time zone: give an aware datetime")
    return to_us(moment)


def _entry(row: _Columns) -> AuditEntry:
    position, digest = row[7], row[8]
    return AuditEntry(row[0], row[1], row[2], row[3], row[4], row[5], row[6], position, digest.hex())
