"""What workers see is written down in the transaction in which they see it, and announced by a chore.

Workers talk to the database over connections of their own, without a Rook: so neither is a notice lost when
one dies between the two, nor announced twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from rookery.base.ids import new_id
from rookery.mechanisms.dual import dual_read
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.events import TaskFailed, WorkerLost
from rookery.mechanisms.tasks.registry import Chore

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from rookery.mechanisms.rook import Rook

FAILED: Final = "failed"
LOST: Final = "lost"
AT_ONCE: Final = 100

_ADD = "INSERT INTO task_notice (id, kind, subject, details) VALUES (:id, :kind, :subject, :details)"
_ANY = "SELECT 1 FROM task_notice LIMIT 1"
_TAKE = """
    DELETE FROM task_notice WHERE id IN (SELECT id FROM task_notice ORDER BY id LIMIT :most)
    RETURNING id, kind, subject, details"""


def note(connection: Connection, kind: str, subject: str, **details: Any) -> None:
    """Write down what is to be announced."""
    text = msgspec.json.encode(details).decode()
    sql.run(connection, _ADD, {"id": new_id(), "kind": kind, "subject": subject, "details": text})


def announce(rook: Rook) -> None:
    """Emit what workers have noted, each in the transaction that takes it out."""
    while _is_any(rook):
        with rook.transaction() as session:
            taken = sql.run(session.connection(), _TAKE, {"most": AT_ONCE}).all()
            rook.emit(*[_event(row) for row in sorted(taken, key=lambda row: row.id)])


@dual_read
def _is_any(session: Session, /) -> bool:
    return sql.run(session.connection(), _ANY).first() is not None


def _event(row: Any) -> TaskFailed | WorkerLost:
    kind = TaskFailed if row.kind == FAILED else WorkerLost
    return kind(row.subject, **msgspec.json.decode(row.details))


ANNOUNCING = Chore(name="tasks.announce", act=announce)
