"""What a database may refuse, said so that somebody can act on it.

DatabaseUnavailable (Unavailable)
├── DatabaseUnreachable    no file that can be opened, no server that answers
├── DatabaseBusy           others hold its lock, or all connections are taken
├── DatabaseReadOnly       the file or the server takes no writes
├── DatabaseFull           the disk under it is full, or fails
└── DatabaseDamaged        its content is not a database, or a table is gone
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rookery.base.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


class DatabaseUnavailable(Unavailable):
    """The database cannot be used."""


class DatabaseUnreachable(DatabaseUnavailable):
    """Check that database.url is right and the server runs, or that the file's folder may be entered."""


class DatabaseBusy(DatabaseUnavailable):
    """Others keep writing to it: look for a stuck process that has it open, then try again."""


class DatabaseReadOnly(DatabaseUnavailable):
    """It takes no writes: give this user the right to write there, or name another in database.url."""


class DatabaseFull(DatabaseUnavailable):
    """The disk is full or fails: make room, then try again; what was not stored has been rolled back."""


class DatabaseDamaged(DatabaseUnavailable):
    """It is damaged, or no database at all: restore the last `rookery db backup`."""


_SQLITE_FAULTS: Final[dict[int, type[DatabaseUnavailable]]] = {
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_READONLY: DatabaseReadOnly,
    sqlite3.SQLITE_PERM: DatabaseReadOnly,
    sqlite3.SQLITE_FULL: DatabaseFull,
    sqlite3.SQLITE_IOERR: DatabaseFull,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnreachable,
    sqlite3.SQLITE_CORRUPT: DatabaseDamaged,
    sqlite3.SQLITE_NOTADB: DatabaseDamaged,
}
# SQLSTATE classes and codes: PostgreSQL manual, appendix A.
_POSTGRES_FAULTS: Final[dict[str, type[DatabaseUnavailable]]] = {
    "08": DatabaseUnreachable,
    "25P03": DatabaseUnreachable,  # a transaction that idled too long: the server has ended its connection
    "25P04": DatabaseUnreachable,  # one that took too long, likewise
    "25006": DatabaseReadOnly,
    "42501": DatabaseReadOnly,
    "28": DatabaseUnreachable,
    "3D": DatabaseUnreachable,
    "40001": DatabaseBusy,
    "40P01": DatabaseBusy,
    "42P01": DatabaseDamaged,
    "53100": DatabaseFull,
    "53": DatabaseBusy,
    "55P03": DatabaseBusy,
    "57P": DatabaseUnreachable,
}


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Raise a DatabaseUnavailable for what the database refuses; let every other error pass."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy(
            f"{describe(engine.url)}: all connections are in use: start fewer tasks at once"
        ) from error
    except Exception as error:
        driver_error = error.orig if isinstance(error, DBAPIError) else error
        fault = fault_of(driver_error)
        if fault is None:
            raise
        raise fault(f"{describe(engine.url)}: {_first_line(driver_error)}. {fault.__doc__}") from error


def fault_of(error: BaseException | None) -> type[DatabaseUnavailable] | None:
    """The kind of unavailability behind a driver's error; None for one about the statement, and any other."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        is_table_gone = code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table")
        return DatabaseDamaged if is_table_gone else _SQLITE_FAULTS.get(code & 0xFF)
    state = getattr(error, "sqlstate", None)
    if state is None:
        return DatabaseUnreachable if _is_lost_connection(error) else None
    return next((_POSTGRES_FAULTS[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES_FAULTS), None)


def describe(url: URL) -> str:
    """The database as a person knows it: the file's path, or the URL without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def _is_lost_connection(error: BaseException | None) -> bool:
    return type(error).__module__.startswith("psycopg") and type(error).__name__ == "OperationalError"


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
