"""The verbs of scans on a Rook: `rook.scans.run(plan)`, and `await arook.scans.run(plan)`."""

from __future__ import annotations

from rookery.domains.scans import service, store
from rookery.mechanisms.face import Face, RookT, bound


class Scans(Face[RookT]):
    """Look for weaknesses, within the scope."""

    run = bound(service.run)
    runs = bound(store.runs)
    add_to_scope = bound(service.add_to_scope)
    remove_from_scope = bound(service.remove_from_scope)
    scope_entries = bound(store.scope_entries)
