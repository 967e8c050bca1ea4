"""A consistent copy of a SQLite database while others read and write it, by SQLite's online backup API.

https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.base.errors import Conflict, Invalid, Unavailable
from rookery.mechanisms.store.faults import DatabaseDamaged, describe, fault_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


class BackupExists(Conflict):
    """There is a file of that name already: choose another, or remove it first."""


class BackupNeedsTool(Invalid):
    """PostgreSQL is backed up by its own tool: run `pg_dump --format=custom`, restore with `pg_restore`."""


class BackupFailed(Unavailable):
    """The copy could not be written."""


def back_up(engine: Engine, target: Path) -> int:
    """Copy the database into the new file `target`, readable by its owner alone; its size in bytes.

    The file appears under its name only when it is complete and on disk. Raises BackupExists,
    BackupNeedsTool for PostgreSQL, BackupFailed, DatabaseDamaged.
    """
    if engine.dialect.name != "sqlite":
        raise BackupNeedsTool(f"{describe(engine.url)}: {BackupNeedsTool.__doc__}")
    if target.exists():
        raise BackupExists(f"{target}: {BackupExists.__doc__}")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _copy(Path(str(engine.url.database)), unfinished)
        _publish(unfinished, target)
    except sqlite3.DatabaseError as error:
        if fault_of(error) is DatabaseDamaged:  # that is the source, for the target is new
            raise DatabaseDamaged(f"{describe(engine.url)}: {error}. {DatabaseDamaged.__doc__}") from error
        raise BackupFailed(f"{target}: {error}. Make room, or name another folder.") from error
    except OSError as error:
        raise BackupFailed(f"{target}: {error}. Make room, or name another folder.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, unfinished: Path) -> None:
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(unfinished)) as writing:
        reading.backup(writing)
        # One self-contained file: a copy in WAL mode would grow a -wal beside it when it is looked at.
        writing.execute("PRAGMA journal_mode = DELETE")


def _publish(unfinished: Path, target: Path) -> None:
    """Under its name only now, and never over a file that appeared meanwhile."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    os.link(unfinished, target)
