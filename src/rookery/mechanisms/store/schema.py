"""The schema's revision: which one a database has, which one this version needs, and the way between them.

A revision is the name of a file in migrations/versions, `NNNN_what`; they follow each other in that order.
Alembic, which takes 0.2 s to import, is imported only when there is something to migrate.

SchemaUnusable (Conflict)
├── SchemaTooNew       written by a newer Rookery
├── SchemaTooOld       waits for `rookery db upgrade`
└── SchemaUnknown      half migrated, or not Rookery's
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from rookery.base.errors import Conflict
from rookery.mechanisms.store.engines import read_only
from rookery.mechanisms.store.faults import DatabaseReadOnly, describe, explained, fault_of

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"

_ADVISORY_LOCK = 0x526F6F6B6572  # "Rooker": any number, so long as every Rookery takes the same


class SchemaUnusable(Conflict):
    """The database's tables are not those that this version works with."""


class SchemaTooNew(SchemaUnusable):
    """A newer Rookery has migrated it: install that version here too, or restore a backup from before."""


class SchemaTooOld(SchemaUnusable):
    """It waits for its migration: run `rookery db upgrade`."""


class SchemaUnknown(SchemaUnusable):
    """Half migrated, or not Rookery's: restore the last backup, or name an empty database in database.url."""


@cache
def revisions() -> tuple[str, ...]:
    """Every revision this version knows, oldest first."""
    return tuple(sorted(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def head_revision() -> str:
    """The revision this version works with."""
    return revisions()[-1]


def current_revision(connection: Connection) -> str | None:
    """The database's revision, None when it is empty. Raises SchemaUnknown when its tables have none."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise _unusable(SchemaUnknown, connection.engine.url, "it has tables, but no revision")
    rows = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    if len(rows) != 1:
        raise _unusable(SchemaUnknown, connection.engine.url, f"it has {len(rows)} revisions instead of one")
    return str(rows[0])


def revision_of(engine: Engine) -> str | None:
    """As `current_revision`, for an engine."""
    with explained(engine), read_only(engine).connect() as connection:
        return current_revision(connection)


def check_schema(engine: Engine) -> None:
    """Raise SchemaTooNew, SchemaTooOld or SchemaUnknown unless the database is at this version's revision."""
    if waiting := _waiting(engine):
        fact = f"it is {len(waiting)} revision{'s' * (len(waiting) > 1)} behind {head_revision()}"
        raise _unusable(SchemaTooOld, engine.url, fact)


def migrate(engine: Engine) -> tuple[str, ...]:
    """Bring the database to this version's revision; the revisions applied, in order.

    All of it is one transaction under a lock, so that it happens once and entirely or not at all, whoever
    else starts at the same moment. Raises SchemaTooNew, SchemaUnknown, or a DatabaseUnavailable.
    """
    _create_file(engine)
    if not takes_writes(engine):
        raise DatabaseReadOnly(f"{describe(engine.url)}: {DatabaseReadOnly.__doc__}")
    with explained(engine):
        return _apply(engine) if _waiting(engine) else ()


def _waiting(engine: Engine) -> tuple[str, ...]:
    with explained(engine), read_only(engine).connect() as connection:
        return _missing(connection)


def _missing(connection: Connection) -> tuple[str, ...]:
    current = current_revision(connection)
    if current is None:
        return revisions()
    if current not in revisions():
        raise _unusable(
            SchemaTooNew, connection.engine.url, f"it is at {current}, this version knows {head_revision()}"
        )
    return revisions()[revisions().index(current) + 1 :]


def _apply(engine: Engine) -> tuple[str, ...]:
    with engine.connect() as connection:
        _let_tables_be_rebuilt(connection)
        connection.detach()  # its foreign keys are off: it must not go back to the pool
        with connection.begin():
            _lock(connection)
            missing = _missing(connection)  # another process may have been first
            if missing:
                _run_alembic(connection)
    return missing


def _let_tables_be_rebuilt(connection: Connection) -> None:
    """SQLite alters a table by rebuilding it, which must not cascade; settable only outside a transaction."""
    if connection.dialect.name == "sqlite":
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.close()


def _lock(connection: Connection) -> None:
    """PostgreSQL: an advisory lock until the commit. SQLite holds its write lock since BEGIN IMMEDIATE."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def _run_alembic(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except DBAPIError as error:
        if fault_of(error.orig) is not None:
            raise
        fact = f"its tables are not those of its revision ({error.orig})"
        raise _unusable(SchemaUnknown, connection.engine.url, fact) from error


def _create_file(engine: Engine) -> None:
    """A new SQLite file is its owner's alone; SQLite gives its -wal and -shm the same mode."""
    if engine.dialect.name == "sqlite":
        with suppress(OSError), open(str(engine.url.database), "xb", opener=_private):
            pass


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def takes_writes(engine: Engine) -> bool:
    """Whether this process may write to the database, as far as can be seen before trying.

    A SQLite file needs a folder that may be written to, too, for its -wal. One that is not there yet counts.
    """
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))
    with explained(engine), engine.connect() as connection:
        return bool(connection.scalar(text(_MAY_WRITE)))


_MAY_WRITE = """
    SELECT current_setting('transaction_read_only') = 'off'
        AND COALESCE(has_table_privilege(to_regclass('audit_entry'), 'INSERT'), true)"""


def _unusable(kind: type[SchemaUnusable], url: URL, fact: str) -> SchemaUnusable:
    return kind(f"{describe(url)}: {fact}. {kind.__doc__}")
