"""The tables of devices. Times are microseconds since 1970 UTC; tags are a JSON list."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class Device(Base):
    """Something with a configuration. `revision` counts its changes, so that nobody undoes another's unseen.

    `called` is the name in lower case, of which there is one. Without a `port` it is that of the transport.
    `jump` is the host it is reached through, as USER@HOST:PORT. Serial, model and version are what the device
    said last.
    """

    __tablename__ = "device"
    __table_args__ = (
        CheckConstraint("transport IN ('ssh', 'telnet')", name="transport"),
        CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
        CheckConstraint("trust IN ('first-use', 'strict', 'off')", name="trust"),
        Index("uq_device_called", "called", unique=True),
        Index("ix_device_address", "address"),
        CheckConstraint("last_backup IN ('changed', 'unchanged', 'failed')", name="last_backup"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    called: Mapped[str]
    address: Mapped[str]
    port: Mapped[int | None]
    platform: Mapped[str]
    transport: Mapped[str]
    tags: Mapped[str]
    site: Mapped[str]
    role: Mapped[str]
    serial: Mapped[str]
    model: Mapped[str]
    version: Mapped[str]
    is_enabled: Mapped[bool]
    notes: Mapped[str]
    jump: Mapped[str]
    allows_legacy: Mapped[bool]
    trust: Mapped[str]
    revision: Mapped[int]
    created_us: Mapped[int]
    created_by: Mapped[str]
    updated_us: Mapped[int]
    last_seen_us: Mapped[int | None]
    last_backup: Mapped[str | None]
    last_backup_us: Mapped[int | None]
    last_backup_error: Mapped[str]
    failed_in_row: Mapped[int]


class DeviceHostKey(Base):
    """A host key that is trusted, in OpenSSH's one-line form without the comment."""

    __tablename__ = "device_host_key"

    host: Mapped[str] = mapped_column(primary_key=True)
    port: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    trusted_us: Mapped[int]
