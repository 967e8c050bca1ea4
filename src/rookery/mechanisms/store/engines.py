"""Engines for SQLite (sqlite3, aiosqlite) and PostgreSQL (psycopg 3), set up for many writers.

SQLite: WAL, so that readers never wait for the writer; `synchronous=NORMAL`, which WAL makes safe against a
crash of the process; a transaction begins with BEGIN IMMEDIATE, so that it waits for the write lock before it
has read anything, instead of failing half-way through; the wait is bounded.
"""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from rookery.base.errors import ConfigError
from rookery.mechanisms.store import sql

AnyEngine = TypeVar("AnyEngine", Engine, AsyncEngine)

_READ_ONLY: Final[dict[str, dict[str, Any]]] = {
    "sqlite": {"rookery_read_only": True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}

BUSY_TIMEOUT = 5.0
"""Seconds that SQLite waits for a lock in one go. It cannot be interrupted while it waits."""
BEGIN_ATTEMPTS = 24
"""How often BEGIN IMMEDIATE waits that long before its caller hears that the database is busy: 2 minutes."""

_DRIVERS: Final = {
    "sqlite": ("sqlite+pysqlite", "sqlite+aiosqlite"),
    "postgresql": ("postgresql+psycopg", "postgresql+psycopg"),
}


def open_engine(url: str, *, takes_writes: bool = True, sync_commits: bool = False) -> Engine:
    """A synchronous engine for `sqlite:///path` or `postgresql://…`. Raises ConfigError for any other URL.

    A SQLite file that takes no writes can only be opened by saying so. With `sync_commits` every commit on
    SQLite has reached the disk when it returns (`synchronous=FULL`), so that a power failure costs nothing.
    """
    parsed, options = _prepare(url, is_async=False)
    return _set_up(create_engine(parsed, **options), takes_writes, sync_commits)


def open_async_engine(url: str, *, takes_writes: bool = True, sync_commits: bool = False) -> AsyncEngine:
    """An engine for coroutines on the same URLs; it belongs to the event loop that first uses it."""
    parsed, options = _prepare(url, is_async=True)
    engine = create_async_engine(parsed, **options)
    _set_up(engine.sync_engine, takes_writes, sync_commits)
    return engine


def read_only(engine: AnyEngine) -> AnyEngine:
    """The same engine, for transactions that only read, each in one snapshot, and wait for no writer."""
    return engine.execution_options(**_READ_ONLY[engine.dialect.name])


def limit_idling(engine: Engine, seconds: float) -> None:
    """Have PostgreSQL end a transaction in which nothing has come for so long.

    The machine of whoever holds its locks may be asleep. With SQLite all sleep at once.
    """
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", partial(_limit_idling, int(seconds * 1000)))


def _limit_idling(milliseconds: int, connection: Any, _record: Any) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {milliseconds}")
    connection.commit()


def _prepare(url: str, *, is_async: bool) -> tuple[URL, dict[str, Any]]:
    parsed = _parse(url)
    kind = parsed.get_backend_name()
    options: dict[str, Any] = {"pool_size": 5, "max_overflow": 15, "pool_timeout": 60}
    options["hide_parameters"] = True  # an error is logged and shown; the values in it may be secrets
    if kind == "sqlite":
        # Absolute, so that it stays the same file when somebody changes directory.
        parsed = parsed.set(database=str(Path(str(parsed.database)).absolute()))
        # The driver must not begin transactions by itself: the engine says BEGIN IMMEDIATE.
        options["connect_args"] = {"isolation_level": None, "timeout": BUSY_TIMEOUT}
        options |= {"pool_size": 20, "max_overflow": 0}  # as many, but none is closed to be opened again
    else:
        options["pool_pre_ping"] = True  # a server that was restarted costs nobody a failed transaction
    return parsed.set(drivername=_DRIVERS[kind][is_async]), options


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise ConfigError(f"database.url is not a URL: {_ALLOWED}") from None
    kind = parsed.get_backend_name()
    if kind not in _DRIVERS:
        raise ConfigError(f"database.url starts with {parsed.drivername}: {_ALLOWED}")
    if kind == "sqlite" and (parsed.database or ":memory:").startswith((":memory:", "file:")):
        raise ConfigError(f"database.url names no file: {_ALLOWED}")
    if kind == "postgresql" and find_spec("psycopg") is None:
        raise ConfigError(
            "database.url wants PostgreSQL, whose driver is missing: pip install 'rookery[postgres]'"
        )
    return parsed


_ALLOWED: Final = "give sqlite:///path/to/rookery.db or postgresql://user@host/database"


def _set_up(engine: Engine, takes_writes: bool, sync_commits: bool) -> Engine:
    event.listen(engine, "connect", _mark_owner)
    event.listen(engine, "checkout", _refuse_in_fork)
    if engine.dialect.name == "sqlite":
        if takes_writes:
            event.listen(engine, "connect", _set_pragmas)
            if sync_commits:
                event.listen(engine, "connect", _sync_commits)
        else:
            event.listen(engine, "do_connect", _connect_to_read)
        event.listen(engine, "begin", _begin)
    return engine


def _connect_to_read(_dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
    arguments[0] = uri_to_read(arguments[0])
    options["uri"] = True


def uri_to_read(path: str) -> str:
    """The URI by which sqlite3 opens a file that takes no writes.

    Without a -wal file beside it nobody is writing, and it is read as it stands: SQLite would otherwise want
    to make such a file, in a folder that does not let it, or with a mode that locks its owner out.
    """
    is_at_rest = not Path(path + "-wal").exists()
    return f"file:{quote(path)}?mode=ro{'&immutable=1' if is_at_rest else ''}"


def _mark_owner(_connection: Any, record: Any) -> None:
    record.info["pid"] = os.getpid()


_inherited: list[Any] = []


def _refuse_in_fork(connection: Any, record: Any, proxy: Any) -> None:
    """A connection inherited through fork stays open for the parent; the pool opens another instead."""
    if record.info["pid"] != os.getpid():
        _inherited.append(connection)
        record.dbapi_connection = proxy.dbapi_connection = None
        raise DisconnectionError("opened before a fork")


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    try:
        _enter_wal(cursor)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # With SQLite's own 2 MB and 1,000 pages, large transactions write each page several times.
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    finally:
        cursor.close()


def _sync_commits(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _enter_wal(cursor: Any) -> None:
    """Switch to WAL, or find it switched: two that start together may both try."""
    for attempt in range(BEGIN_ATTEMPTS):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or attempt == BEGIN_ATTEMPTS - 1:
                raise
        else:
            return


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("rookery_read_only"):
        sql.run(connection, "BEGIN")
        return
    for attempt in range(BEGIN_ATTEMPTS):
        try:
            sql.run(connection, "BEGIN IMMEDIATE")
        except OperationalError as error:
            if not _is_busy(error.orig) or attempt == BEGIN_ATTEMPTS - 1:
                raise
        else:
            return


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY
