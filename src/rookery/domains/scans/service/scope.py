"""Keeping the scope: what may be scanned, and who said so."""

from __future__ import annotations

from rookery.domains.scans import store
from rookery.domains.scans.events import ScopeAdded, ScopeRemoved
from rookery.domains.scans.models import ScopeEntry
from rookery.domains.scans.scope import parse_entry
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


@dual
def add_to_scope(rook: Rook, /, entry: str) -> ScopeEntry:
    """Allow an address, a network or a name to be scanned. Raises BadScopeEntry, AlreadyInScope."""
    canonical = parse_entry(entry)
    with rook.transaction() as session:
        added = store.add_scope_entry(session, canonical, added_by=rook.actor)
        rook.emit(ScopeAdded(canonical))
    return added


@dual
def remove_from_scope(rook: Rook, /, entry: str) -> None:
    """Allow it no longer. Raises BadScopeEntry, NotInScope."""
    canonical = parse_entry(entry)
    with rook.transaction() as session:
        store.remove_scope_entry(session, canonical)
        rook.emit(ScopeRemoved(canonical))
