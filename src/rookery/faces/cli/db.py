"""`rookery db`: the database's revision, its health, its backup; also for one that cannot be opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import current_shell, emit_json, json_option, note, printable

if TYPE_CHECKING:
    from sqlalchemy import Engine


@click.group()
def db() -> None:
    """Migrate, check and back up the database."""


@db.command()
@json_option
def upgrade(*, as_json: bool) -> None:
    """Bring the database to this version's revision; make it if there is none."""
    from rookery.mechanisms.store import head_revision, migrate

    with _engine() as engine:
        applied = migrate(engine)
    if as_json:
        emit_json({"revision": head_revision(), "applied": applied})
        return
    for revision in applied:
        click.echo(f"applied {revision}")
    note(f"The database is at {head_revision()}.")


@db.command()
@json_option
def current(*, as_json: bool) -> None:
    """Show the database's revision, and the one this version works with."""
    from rookery.mechanisms.store import SchemaUnusable, check_schema, describe, head_revision, revision_of

    advice = ""
    with _engine(must_exist=True) as engine:
        facts = {"database": describe(engine.url), "revision": revision_of(engine), "head": head_revision()}
        try:
            check_schema(engine)
        except SchemaUnusable as error:
            advice = str(error)
    if as_json:
        emit_json(facts)
    else:
        click.echo(facts["revision"] or "empty")
        if advice:
            note(advice)


@db.command()
@json_option
def check(*, as_json: bool) -> None:
    """Look for damage, and for tables that are not as this version expects; exits 1 on any."""
    from rookery.foundations import metadata
    from rookery.mechanisms.store import check_schema
    from rookery.mechanisms.store.inspection import damage, differences

    with _engine(must_exist=True) as engine:
        check_schema(engine)
        problems = [*damage(engine), *differences(engine, metadata())]
    if as_json:
        emit_json({"ok": not problems, "problems": problems})
    else:
        for problem in problems:
            click.echo(problem)
        note("Restore the last backup." if problems else "The database is sound.")
    if problems:
        click.get_current_context().exit(1)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def backup(file: Path, *, as_json: bool) -> None:
    """Copy the SQLite database into the new FILE, while others go on using it.

    The folder `keys` beside it is worth a copy, too: without it nobody can go on with the audit log.
    """
    from rookery.mechanisms.store.backup import back_up

    with _engine(must_exist=True) as engine:
        size = back_up(engine, file)
    if as_json:
        emit_json({"file": file, "bytes": size})
    else:
        note(f"Wrote {file}, {size} bytes. {_restoring(engine)}")


def _restoring(engine: Engine) -> str:
    """What is left in a -wal would be written over the copy."""
    place = printable(engine.url.database)
    return f"To restore it, stop Rookery, remove {place}-wal and {place}-shm, and put it in place of {place}."


@contextmanager
def _engine(*, must_exist: bool = False) -> Iterator[Engine]:
    """The configured database, neither migrated nor created by being looked at."""
    from rookery.foundations import prepare_data_dir
    from rookery.mechanisms.store import open_engine, takes_writes
    from rookery.mechanisms.store.inspection import require_database

    config = current_shell().loaded.config
    prepare_data_dir(config.data_dir, to_write=not must_exist)
    engine = open_engine(config.database_url)
    try:
        if must_exist:
            require_database(engine)
            may_write = takes_writes(engine)
            engine.dispose()
            engine = open_engine(config.database_url, takes_writes=may_write)
        yield engine
    finally:
        engine.dispose()
