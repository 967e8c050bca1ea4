"""Operations that begin with neither a Session nor a Rook."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from rookery.mechanisms.dual import dual, dual_stream


@dual  # E: type-var|arg-type|call-overload, reportCallIssue|reportArgumentType
def on_a_connection(connection: Connection, /) -> None: ...


@dual_stream  # E: arg-type|call-overload, reportCallIssue|reportArgumentType
def not_a_stream(session: Session, /) -> int:
    return 1
