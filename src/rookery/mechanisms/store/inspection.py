"""Whether a database is what its revision says: its tables against the models, its pages against checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from rookery.base.errors import NotFound
from rookery.mechanisms.store.engines import read_only
from rookery.mechanisms.store.faults import describe, explained

if TYPE_CHECKING:
    from sqlalchemy import Engine, MetaData


class NoDatabase(NotFound):
    """There is no database yet: `rookery db upgrade` makes it."""


def require_database(engine: Engine) -> None:
    """Raise NoDatabase for a SQLite file that is not there, which only looking at it would create."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        raise NoDatabase(f"{describe(engine.url)}: {NoDatabase.__doc__}")


def differences(engine: Engine, metadata: MetaData) -> list[str]:
    """What an automatic migration from the tables to the models would do; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with explained(engine), read_only(engine).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [_described(difference) for difference in compare_metadata(context, metadata)]


def damage(engine: Engine) -> list[str]:
    """What SQLite finds wrong with its file, a line each; PostgreSQL checks its pages when it reads them."""
    if engine.dialect.name != "sqlite":
        return []
    with explained(engine), read_only(engine).connect() as connection:
        lines = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
        orphans = [f"row {row[1]} of {row[0]} refers to no {row[2]}"
                   for row in connection.execute(text("PRAGMA foreign_key_check"))]  # fmt: skip
    return [line for line in lines if line != "ok"] + orphans


def _described(difference: Any) -> str:
    """One line of Alembic's nested tuples, with the names of what they are about."""
    parts = difference[0] if isinstance(difference, list) else difference
    what, *rest = parts
    names = [
        str(getattr(part, "name", part)) for part in rest if part is not None and not isinstance(part, dict)
    ]
    return f"{what.replace('_', ' ')}: {' '.join(names)}"
