"""The table of credentials. Times are microseconds since 1970 UTC; tags are a JSON list."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Credential(Base):
    """A login. `secret` is its sealed JSON; `failed_in_row` counts refusals since the last success."""

    __tablename__ = "credential"
    __table_args__ = (
        CheckConstraint("priority BETWEEN 0 AND 1000", name="priority"),
        Index("uq_credential_called", "called", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    called: Mapped[str]
    username: Mapped[str]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    tags: Mapped[str]
    priority: Mapped[int]
    description: Mapped[str]
    revision: Mapped[int]
    created_us: Mapped[int]
    created_by: Mapped[str]
    updated_us: Mapped[int]
    success_count: Mapped[int]
    failure_count: Mapped[int]
    failed_in_row: Mapped[int]
    last_success_us: Mapped[int | None]
    last_failure_us: Mapped[int | None]
