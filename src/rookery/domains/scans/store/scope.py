"""The scope, as it is stored."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.domains.scans.errors import AlreadyInScope, NotInScope
from rookery.domains.scans.models import ScopeEntry
from rookery.mechanisms.dual import dual, dual_read


@dual_read
def scope_entries(session: Session, /) -> list[ScopeEntry]:
    """Everything that was added to the scope, in the order of the entries."""
    return list(session.scalars(select(ScopeEntry).order_by(ScopeEntry.entry)))


@dual
def add_scope_entry(session: Session, /, entry: str, *, added_by: str) -> ScopeEntry:
    """Add a canonical entry. Raises AlreadyInScope."""
    if session.get(ScopeEntry, entry):
        raise AlreadyInScope(f"{entry} is in the scope already.")
    added = ScopeEntry(entry=entry, added_us=now_us(), added_by=added_by)
    session.add(added)
    session.flush()
    return added


@dual
def remove_scope_entry(session: Session, /, entry: str) -> None:
    """Remove a canonical entry. Raises NotInScope."""
    removed = session.scalar(delete(ScopeEntry).where(ScopeEntry.entry == entry).returning(ScopeEntry.entry))
    if removed is None:
        raise NotInScope(f"{entry} is not in the scope. `rookery scope list` shows what is.")
