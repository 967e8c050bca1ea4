"""The cursor table: how far each stream of each queue has been delivered into this database."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store.base import Base


class WritebehindCursor(Base):
    """One row per living stream: everything up to `seq` is in this database or among the dead letters."""

    __tablename__ = "writebehind_cursor"

    stream: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
