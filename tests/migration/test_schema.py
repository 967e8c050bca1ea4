"""The schema equals the sum of its migrations, and a database that is not as it should be says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rookery.foundations import metadata
from rookery.mechanisms.store import (
    SchemaUnusable,
    check_schema,
    head_revision,
    migrate,
    open_engine,
    revision_of,
)
from rookery.mechanisms.store.inspection import differences
from rookery.mechanisms.store.schema import MIGRATIONS, SchemaTooNew, SchemaTooOld, SchemaUnknown, revisions
from tests.patience import PATIENCE

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    engine = open_engine(empty_url)
    yield engine
    engine.dispose()


@pytest.fixture
def migrated(empty: Engine) -> Engine:
    migrate(empty)
    return empty


def alter(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_migrations_and_models_agree(migrated: Engine) -> None:
    assert differences(migrated, metadata()) == []


def test_differences_name_the_table_and_the_column(migrated: Engine) -> None:
    alter(migrated, "ALTER TABLE writebehind_cursor ADD COLUMN surprise TEXT")
    assert differences(migrated, metadata()) == ["remove column: writebehind_cursor surprise"]


def test_an_empty_database_is_brought_to_the_head_once(empty: Engine) -> None:
    assert revision_of(empty) is None
    assert migrate(empty) == revisions()
    assert migrate(empty) == ()
    assert revision_of(empty) == head_revision()
    check_schema(empty)


def test_a_database_that_waits_for_its_migration_says_which_command(empty: Engine) -> None:
    with pytest.raises(SchemaTooOld, match="rookery db upgrade"):
        check_schema(empty)


def test_a_newer_database_says_to_install_the_newer_version(migrated: Engine) -> None:
    alter(migrated, "UPDATE alembic_version SET version_num = '9999_from_the_future'")
    for refuse in (migrate, check_schema):
        with pytest.raises(SchemaTooNew, match=r"9999_from_the_future.*install that version"):
            refuse(migrated)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE alembic_version",
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('0001_and_another')",
    ],
)
def test_a_half_migrated_database_says_to_restore_a_backup(migrated: Engine, statement: str) -> None:
    alter(migrated, statement)
    for refuse in (migrate, check_schema):
        with pytest.raises(SchemaUnknown, match="restore the last backup"):
            refuse(migrated)


def test_a_migration_that_fails_leaves_nothing_behind(empty: Engine) -> None:
    """The last table of the way is already there in another shape: none of the others may stay."""
    alter(empty, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    alter(empty, "INSERT INTO alembic_version VALUES ('0001_writebehind_cursor')")
    alter(empty, "CREATE TABLE finding (something_else INTEGER)")
    with pytest.raises(Exception, match="finding"):
        migrate(empty)
    with empty.connect() as connection:
        tables = set(empty.dialect.get_table_names(connection))
    assert tables == {"alembic_version", "finding"}
    assert revision_of(empty) == "0001_writebehind_cursor"


OPEN = """
import sys
from rookery.mechanisms.store import migrate, open_engine
print("ready", flush=True)
sys.stdin.readline()
engine = open_engine(sys.argv[1])
print(len(migrate(engine)))
engine.dispose()
"""


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, empty_url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    answers = [child.communicate(timeout=PATIENCE) for child in children]
    assert [errors for _, errors in answers] == [""] * 4
    assert sorted(applied.strip() for applied, _ in answers) == ["0", "0", "0", str(len(revisions()))]


def test_nothing_to_migrate_does_not_import_alembic(migrated: Engine, empty_url: str) -> None:
    code = (
        "import sys; from rookery.mechanisms.store import migrate, open_engine\n"
        "engine = open_engine(sys.argv[1]); assert migrate(engine) == (); engine.dispose()\n"
        "assert not [name for name in sys.modules if name.startswith('alembic')]"
    )
    subprocess.run([sys.executable, "-c", code, empty_url], check=True)


def test_revisions_follow_each_other_in_the_order_of_their_numbers() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == revisions()
    assert [name[:4] for name in revisions()] == [f"{n:04}" for n in range(1, len(revisions()) + 1)]


def test_every_unusable_schema_is_a_conflict() -> None:
    assert {kind.exit_status for kind in SchemaUnusable.__subclasses__()} == {6}
