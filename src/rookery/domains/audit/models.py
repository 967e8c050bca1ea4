"""The tables of the audit log. Everything that reads or writes rows by the thousand does so in plain SQL.

An entry's position is the primary key, and so also the guard against a fork: two entries after one head would
have the same position. There is no index on hashes or objects, whose random order costs most of the drain's
speed (docs/decisions/0004-audit-chain.md).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base

POSITION = BigInteger().with_variant(Integer, "sqlite")
"""SQLite keeps a table in the order of an INTEGER PRIMARY KEY, and of no other."""


class EntryRow(Base):
    """One entry. `at_us` is the moment of `record()`; `details` is JSON; `previous` and `hash` chain it."""

    __tablename__ = "audit_entry"

    position: Mapped[int] = mapped_column(POSITION, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(unique=True)
    at_us: Mapped[int] = mapped_column(index=True)
    event_type: Mapped[str]
    actor: Mapped[str]
    object: Mapped[str]
    request_id: Mapped[str]
    details: Mapped[str]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class OutboxRow(Base):
    """An entry committed with what it tells of, and not in the chain yet; `seal` is the key holder's."""

    __tablename__ = "audit_outbox"

    id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)


class CheckpointRow(Base):
    """One signed checkpoint: after `size` entries the last hash was `head`."""

    __tablename__ = "audit_checkpoint"

    size: Mapped[int] = mapped_column(POSITION, primary_key=True, autoincrement=False)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    at_us: Mapped[int]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class BaseRow(Base):
    """The signed prune record, at most one: the entries up to `size` are gone."""

    __tablename__ = "audit_base"

    size: Mapped[int] = mapped_column(POSITION, primary_key=True, autoincrement=False)
    head: Mapped[bytes] = mapped_column(LargeBinary)
    at_us: Mapped[int]
    before_us: Mapped[int]
    key_id: Mapped[str]
    signature: Mapped[bytes] = mapped_column(LargeBinary)
