"""Devices, and the host keys that are trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_devices"
down_revision = "0011_cves_in_their_findings"


def upgrade() -> None:
    _devices()
    _host_keys()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _devices() -> None:
    op.create_table(
        "device",
        *[_text(name) for name in ("id", "name", "called", "address")],
        _number("port", nullable=True),
        *[_text(name) for name in ("platform", "transport", "tags", "site", "role")],
        *[_text(name) for name in ("serial", "model", "version")],
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        *[_text(name) for name in ("notes", "jump")],
        sa.Column("allows_legacy", sa.Boolean(), nullable=False),
        _text("trust"),
        *[_number(name) for name in ("revision", "created_us")],
        _text("created_by"),
        _number("updated_us"),
        _number("last_seen_us", nullable=True),
        _text("last_backup", nullable=True),
        _number("last_backup_us", nullable=True),
        _text("last_backup_error"),
        _number("failed_in_row"),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.CheckConstraint("transport IN ('ssh', 'telnet')", name="ck_device_transport"),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name="ck_device_port"),
        sa.CheckConstraint("trust IN ('first-use', 'strict', 'off')", name="ck_device_trust"),
        sa.CheckConstraint("last_backup IN ('changed', 'unchanged', 'failed')", name="ck_device_last_backup"),
    )
    op.create_index("uq_device_called", "device", ["called"], unique=True)
    op.create_index("ix_device_address", "device", ["address"])


def _host_keys() -> None:
    op.create_table(
        "device_host_key",
        _text("host"),
        _number("port"),
        _text("key"),
        _number("trusted_us"),
        sa.PrimaryKeyConstraint("host", "port", "key", name="pk_device_host_key"),
    )
