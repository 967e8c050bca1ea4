"""Users, their sessions, tokens and second factors, and what slows down guessing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016_users"
down_revision = "0015_mirror"


def upgrade() -> None:
    _users()
    _logging_in()
    _sessions()
    _tokens()


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _bytes(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def _owned_table(name: str, *parts: Any, key: tuple[str, ...] = ("id",)) -> None:
    """A table of what goes when its user does."""
    op.create_table(
        name,
        *parts,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], ondelete="CASCADE", name=f"fk_{name}_user_id"
        ),
    )


def _users() -> None:
    op.create_table(
        "user_account",
        *[_text(name) for name in ("id", "username", "called")],
        *[_text(name, nullable=True) for name in ("email", "email_called")],
        _text("role"),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        _text("password_hash", nullable=True),
        _number("password_changed_us", nullable=True),
        *[_bytes(name, nullable=True) for name in ("totp_secret", "totp_pending")],
        *[_number(name) for name in ("totp_step", "revision", "created_us")],
        _text("created_by"),
        _number("updated_us"),
        _number("last_login_us", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="ck_user_account_role"),
    )
    op.create_index("uq_user_account_called", "user_account", ["called"], unique=True)
    op.create_index("uq_user_account_email_called", "user_account", ["email_called"], unique=True)
    _owned_table("recovery_code", _text("user_id"), _bytes("code_hash"), key=("user_id", "code_hash"))


def _logging_in() -> None:
    _owned_table(
        "known_network",
        *[_text(name) for name in ("user_id", "network")],
        _number("last_login_us"),
        key=("user_id", "network"),
    )
    op.create_table(
        "login_throttle",
        _text("key"),
        *[_number(name) for name in ("failures", "last_us", "until_us")],
        sa.PrimaryKeyConstraint("key", name="pk_login_throttle"),
    )
    op.create_table(
        "setup_token",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        _bytes("secret_hash"),
        _number("expires_us"),
        sa.PrimaryKeyConstraint("id", name="pk_setup_token"),
        sa.CheckConstraint("id = 1", name="ck_setup_token_one"),
    )


def _sessions() -> None:
    _owned_table(
        "user_session",
        *[_text(name) for name in ("id", "user_id")],
        _bytes("secret_hash"),
        *[_text(name) for name in ("address", "user_agent")],
        *[_number(name) for name in ("created_us", "seen_us", "expires_us")],
    )
    op.create_index("uq_user_session_secret_hash", "user_session", ["secret_hash"], unique=True)
    op.create_index("ix_user_session_user", "user_session", ["user_id"])


def _tokens() -> None:
    _owned_table(
        "api_token",
        *[_text(name) for name in ("id", "user_id", "name")],
        _bytes("secret_hash"),
        _text("scopes"),
        *[_number(name) for name in ("created_us", "expires_us")],
        _number("last_used_us", nullable=True),
        _text("last_address"),
    )
    op.create_index("ix_api_token_user", "api_token", ["user_id"])
