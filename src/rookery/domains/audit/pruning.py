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
    counting = text("SELECT count(*) FROM audit_entry WHERE position <= :last")
    removed: int = connection.execute(counting, {"last": last}).scalar_one()
    # The entry comes first, so that the chain is never empty and goes on from where it was.
    note = _note(before_us, removed, last, actor, is_forced)
    checkpoint = appender.append(connection, [note], witnessed)
    connection.execute(text("DELETE FROM audit_entry WHERE position <= :last"), {"last": last})
    _begin_at_the_rest(connection, signer, before_us)
    return Pruned(removed, checkpoint)


def _begin_at_the_rest(connection: Connection, signer: Signer, before_us: int) -> None:
    """Sign that the log begins with the first entry that is left, though there be a gap before it."""
    first = "SELECT position - 1, previous FROM audit_entry ORDER BY position LIMIT 1"
    base = sign_base(signer, Head(*connection.execute(text(first)).one()), now_us(), before_us)
    connection.execute(text("DELETE FROM audit_checkpoint WHERE size <= :size"), {"size": base.size})
    connection.execute(text("DELETE FROM audit_base"))
    names = ", ".join(Base._fields)
    marks = ", ".join(f":{name}" for name in Base._fields)
    inserting = text(f"INSERT INTO audit_base ({names}) VALUES ({marks})")  # noqa: S608  constant names
    connection.execute(inserting, base._asdict())


def _last_older(connection: Connection, before_us: int) -> int | None:
    """The position of the last entry before the first that is to stay."""
    stays = text("SELECT position FROM audit_entry WHERE at_us >= :before ORDER BY position LIMIT 1")
    first = connection.execute(stays, {"before": before_us}).scalar_one_or_none()
    newest = "SELECT max(position) FROM audit_entry"
    older = f"{newest} WHERE position < :first"
    found: int | None = connection.execute(
        text(newest if first is None else older), {"first": first}
    ).scalar()
    return found


def _note(before_us: int, removed: int, last: int, actor: str, is_forced: bool) -> bytes:
    details = {"before": from_us(before_us), "removed": removed, "forced": is_forced}
    return payload_of(
        AuditEntry(new_id(), now_us(), PRUNED, actor, f"entries up to {last}", "", details_json(details))
    )
