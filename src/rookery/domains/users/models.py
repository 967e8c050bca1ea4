"""The tables of users. Times are microseconds since 1970 UTC. Of what opens a door only a hash is kept."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class UserAccount(Base):
    """Somebody. `called` and `email_called` are name and address in lower case, of which there is one each.

    Without a password nobody can log in. `totp_secret` is sealed; `totp_pending` one that was not confirmed
    yet; `totp_step` the half minute of the last code that was taken, so that none is taken twice.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'operator', 'admin')", name="role"),
        Index("uq_user_account_called", "called", unique=True),
        Index("uq_user_account_email_called", "email_called", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str]
    called: Mapped[str]
    email: Mapped[str | None]
    email_called: Mapped[str | None]
    role: Mapped[str]
    is_enabled: Mapped[bool]
    password_hash: Mapped[str | None]
    password_changed_us: Mapped[int | None]
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_pending: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int]
    revision: Mapped[int]
    created_us: Mapped[int]
    created_by: Mapped[str]
    updated_us: Mapped[int]
    last_login_us: Mapped[int | None]


class RecoveryCode(Base):
    """What stands for a TOTP code, once."""

    __tablename__ = "recovery_code"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)


class KnownNetwork(Base):
    """Where somebody has logged in before: guesses from elsewhere do not lock them out here."""

    __tablename__ = "known_network"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    last_login_us: Mapped[int]


class LoginThrottle(Base):
    """Failed logins in a row: of an account, an address, or an account from a network it is known at."""

    __tablename__ = "login_throttle"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_us: Mapped[int]
    until_us: Mapped[int]


class UserSession(Base):
    """A browser that has logged in. `expires_us` is its end, however busy it is."""

    __tablename__ = "user_session"
    __table_args__ = (
        Index("uq_user_session_secret_hash", "secret_hash", unique=True),
        Index("ix_user_session_user", "user_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str]
    user_agent: Mapped[str]
    created_us: Mapped[int]
    seen_us: Mapped[int]
    expires_us: Mapped[int]


class ApiToken(Base):
    """A program's way in. `id` is the part of the token that is no secret; scopes are a JSON list."""

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_user", "user_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[str]
    created_us: Mapped[int]
    expires_us: Mapped[int]
    last_used_us: Mapped[int | None]
    last_address: Mapped[str]


class SetupToken(Base):
    """What makes the first admin, once; there is one row at most."""

    __tablename__ = "setup_token"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_us: Mapped[int]
