"""The journal: what keeps the events of a Rook; the audit log does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rookery.mechanisms.rook import Rook


class Journal(Protocol):
    """Keeps every event, and what happens in a transaction together with it."""

    def write(self, rook: Rook, connection: Connection, events: Sequence[Any]) -> Callable[[], None]:
        """Write these in the transaction that is about to be committed; what to call once it has been."""
        ...

    def record(self, rook: Rook, event: Any) -> None:
        """Keep an event that belongs to no transaction."""
        ...
