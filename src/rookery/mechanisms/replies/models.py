"""The table of answers."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Reply(Base):
    """A key, the digest of its request, and the answer once there is one: its status is 0 until then."""

    __tablename__ = "reply"

    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    claimed_us: Mapped[int] = mapped_column(index=True)
    status: Mapped[int]
    headers: Mapped[str]
    body: Mapped[bytes]
