"""Pruning: the oldest entries go, a signed record takes their place, and an entry says who did it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from rookery.base.clock import from_us, now_us
from rookery.base.ids import new_id
from rookery.domains.audit.appending import Appender, lock
from rookery.domains.audit.checkpoints import Base, Checkpoint, sign_base
from rookery.domains.audit.errors import LogBroken
from rookery.domains.audit.events import PRUNED
from rookery.domains.audit.keys import Signer
from rookery.domains.audit.rules import AuditEntry, Head, details_json, payload_of
from rookery.domains.audit.verdict import Verification


class Pruned(NamedTuple):
    """How many entries were removed, and the checkpoint after the entry that says so."""

    removed: int
    checkpoint: Checkpoint


def refuse_broken(verification: Verification) -> None:
    """Raise LogBroken when the log does not verify: pruning would destroy the evidence."""
    if not verification.is_intact:
        first = verification.problems[0].message
        raise LogBroken(
            f"the log does not verify ({first}): export it and keep that file, then prune it with --force"
        )


def prune(
    connection: Connection,
    appender: Appender,
    signer: Signer,
    witnessed: Checkpoint | None,
    before_us: int,
    *,
    actor: str,
    is_forced: bool,
) -> Pruned | None:
    """Remove the entries up to the first that is not older than `before_us`; None when there are none."""
    lock(connection)
    last = _last_older(connection, before_us)
    if last is None:
        return None
    counting = text("SELECT count(*) FROM audit_entry WHERE position <= :size")
    removed: int = connection.execute(counting, {"size": last.size}).scalar_one()
    # The entry comes first, so that the chain is never empty and goes on from where it was.
    checkpoint = appender.append(connection, [_note(before_us, removed, last, actor, is_forced)], witnessed)
    for table, column in (("audit_entry", "position"), ("audit_checkpoint", "size"), ("audit_base", "size")):
        removing = text(f"DELETE FROM {table} WHERE {column} <= :size")  # noqa: S608  constant names
        connection.execute(removing, {"size": last.size})
    base = sign_base(signer, last, now_us(), before_us)
    names = ", ".join(Base._fields)
    marks = ", ".join(f":{name}" for name in Base._fields)
    inserting = text(f"INSERT INTO audit_base ({names}) VALUES ({marks})")  # noqa: S608  constant names
    connection.execute(inserting, base._asdict())
    return Pruned(removed, checkpoint)


def _last_older(connection: Connection, before_us: int) -> Head | None:
    """The last entry before the first that is to stay, as the head of what goes."""
    stays = text("SELECT position FROM audit_entry WHERE at_us >= :before ORDER BY position LIMIT 1")
    first = connection.execute(stays, {"before": before_us}).scalar_one_or_none()
    newest = "SELECT position, hash FROM audit_entry ORDER BY position DESC LIMIT 1"
    older = "SELECT position, hash FROM audit_entry WHERE position < :first ORDER BY position DESC LIMIT 1"
    row = connection.execute(text(newest if first is None else older), {"first": first}).one_or_none()
    return Head(*row) if row else None


def _note(before_us: int, removed: int, last: Head, actor: str, is_forced: bool) -> bytes:
    details = {
        "before": from_us(before_us),
        "removed": removed,
        "last_hash": last.hash.hex(),
        "forced": is_forced,
    }
    return payload_of(
        AuditEntry(new_id(), now_us(), PRUNED, actor, f"entries up to {last.size}", "", details_json(details))
    )
