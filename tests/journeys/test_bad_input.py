"""Garbage in every place that takes input: one clear line, the right exit status, nothing lost.

As root a file's mode means nothing, so the command runs without the right to override it (setpriv); the tests
are the same for any user.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rookery import app
from rookery.base import clock
from rookery.demo import WeakServer

LIKE_ANYONE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
NOWHERE = "http://127.0.0.1:9"
INVALID, NOT_FOUND, CONFLICT, UNAVAILABLE = 2, 5, 6, 7
FULL_DISK = 'ulimit -f {blocks}; exec "$@"'

CHECK = """\
id: alive
info: {name: It answers, author: a, severity: info}
http:
- method: GET
  path: ['{{BaseURL}}/']
  matchers:
"""
STATUS_200 = CHECK + "  - {type: status, status: [200]}\n"

Done = subprocess.CompletedProcess[str]


class Cli:
    """Runs `rookery …` on a data directory, as somebody whom file modes bind."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root, self.environment = root, environment
        self.data_dir = root / "data"

    def __call__(self, *arguments: str | Path, under: tuple[str, ...] = (), **variables: str) -> Done:
        anyone = LIKE_ANYONE if os.geteuid() == 0 else ()
        command = [*under, *anyone, sys.executable, "-m", "rookery", "--data-dir", self.data_dir, *arguments]
        settings = self.environment | variables
        return subprocess.run(
            command, capture_output=True, text=True, env=settings, cwd=self.root, timeout=120
        )

    def refused(
        self, *arguments: str | Path, status: int, under: tuple[str, ...] = (), **variables: str
    ) -> str:
        """The one line that a refused command says."""
        done = self(*arguments, under=under, **variables)
        [line] = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (status, ""), line
        assert line.startswith("rookery: ")
        assert "unexpected" not in line
        return line

    def items(self, *arguments: str) -> list[dict[str, object]]:
        """What a list command lists."""
        items: list[dict[str, object]] = json.loads(self(*arguments, "--json").stdout)["items"]
        return items


@pytest.fixture
def cli(tmp_path: Path, environment: dict[str, str]) -> Cli:
    return Cli(tmp_path, environment)


@pytest.fixture
def used(cli: Cli) -> Cli:
    """A data directory in which something was acknowledged: the scope and its audit entry."""
    assert cli("scope", "add", "192.0.2.0/24").returncode == 0
    return cli


def assert_nothing_lost(cli: Cli) -> None:
    assert [row["entry"] for row in cli.items("scope", "list")] == ["192.0.2.0/24"]
    assert "scope.added" in {row["event_type"] for row in cli.items("audit", "list")}
    assert cli("audit", "verify").returncode == 0


# --- templates


def bomb() -> str:
    """Ten levels of nine aliases each: nine to the power of ten values."""
    levels = [
        f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]"
        for below, name in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    return "\n".join(["a: &a [x]", *levels])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\t{{{[ : :", ":1: not YAML"),
        (bomb().encode(), "more than 400,000 values"),
        (b"id: [1]\ninfo: 3\nhttp: yes\n", ":2: info must be a mapping"),
        (STATUS_200.replace("matchers", "matchrs").encode(), "did you mean 'matchers'?"),
        (b"id: a\n" + b"#" * (10 << 20), "larger than 8 MiB"),
        (b"id: a\0b\n", "control characters are not allowed"),
        (random.Random(1).randbytes(5_000), "not YAML"),
        (b"[" * 100_000, "nested deeper than 40 levels"),
        (b"a: " + b"{a: " * 50_000, "nested deeper than 40 levels"),
        ((CHECK + f"  - {{type: status, status: [{'9' * 5_000}]}}\n").encode(), "must be a whole number"),
        ((CHECK + f"  - {{type: regex, regex: ['{'(a|b)' * 20_000}']}}\n").encode(), "is too long"),
        ((CHECK + "  - {type: regex, regex: ['(a{1000}){1000}']}\n").encode(), "bad regex"),
        ((CHECK + f"  - {{type: dsl, dsl: ['{'(' * 20_000}1{')' * 20_000}']}}\n").encode(), "too long"),
    ],
)
def test_a_garbage_template_is_one_line_that_names_it(cli: Cli, content: bytes, says: str) -> None:
    (cli.root / "check.yaml").write_bytes(content)
    line = cli.refused("scan", NOWHERE, "-t", "check.yaml", status=INVALID)
    assert line.startswith(f"rookery: {cli.root / 'check.yaml'}")
    assert says in line
    assert len(line) < 700


def test_the_sound_templates_of_a_garbage_folder_run_and_the_rest_is_listed(
    cli: Cli, weak_server: WeakServer
) -> None:
    folder = cli.root / "checks"
    (folder / "closed").mkdir(parents=True)
    for name, text in {"sound": STATUS_200, "bomb": bomb(), "closed/in": STATUS_200, "mute": "id: a"}.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "round").symlink_to(folder)
    (folder / "mute.yaml").chmod(0)
    (folder / "closed").chmod(0)
    scan = cli("scan", weak_server.url, "-t", folder)
    assert scan.returncode == 0
    assert "It answers" in scan.stdout
    assert "bomb.yaml invalid: line" in scan.stderr
    assert "closed invalid: cannot be read: Permission denied" in scan.stderr
    assert "mute.yaml invalid: cannot be read: Permission denied" in scan.stderr


@pytest.mark.parametrize("name", ["loop.yaml", "x" * 5_000, "closed/in.yaml"])
def test_a_template_that_cannot_be_found_is_said_so(cli: Cli, name: str) -> None:
    (cli.root / "loop.yaml").symlink_to("loop.yaml")
    (cli.root / "closed").mkdir()
    (cli.root / "closed" / "in.yaml").write_text(STATUS_200)
    (cli.root / "closed").chmod(0)
    assert "no template file" in cli.refused("scan", NOWHERE, "-t", name, status=NOT_FOUND)


# --- settings


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{{ =", "is not valid TOML"),
        (random.Random(1).randbytes(3_000), "is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b'a = "' + b"x" * (1 << 20) + b'"', "is larger than"),
        (b"[hooks]\npool_sise = 3\n", "line 2: unknown key hooks.pool_sise; did you mean hooks.pool_size?"),
        (b'[hooks]\npool_size = "many"\n', "hooks.pool_size must be a whole number from 1 to 64, not 'many'"),
        (b"[hooks]\nbatch_interval = nan\n", "hooks.batch_interval must be a number"),
        (b"[hooks]\npool_size = " + b"9" * 5_000, "is not valid TOML"),
        (b'data_dir = "a\\u0000b"\n', "data_dir must be the path of a folder"),
        (b'[database]\nurl = "mysql://root:hunter2hunter2@x/y"\n', "database.url"),
        (b'[database]\nurl = "postgresql://root:hunter2hunter2@127.0.0.1:port/y"\n', "database.url"),
    ],
)
def test_a_garbage_settings_file_is_one_line_that_names_it(cli: Cli, content: bytes, says: str) -> None:
    (cli.root / "bad.toml").write_bytes(content)
    line = cli.refused("scope", "list", "--config", "bad.toml", status=INVALID)
    assert says in line
    assert "hunter2" not in line
    assert len(line) < 600


def test_a_settings_file_that_cannot_be_read_is_said_so(cli: Cli) -> None:
    (cli.root / "folder.toml").mkdir()
    (cli.root / "mute.toml").touch(mode=0)
    (cli.root / "loop.toml").symlink_to("loop.toml")
    for name in ("folder.toml", "mute.toml", "loop.toml", "nowhere.toml"):
        assert name in cli.refused("scope", "list", "--config", name, status=INVALID)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def on_item(:\n", "invalid syntax"),
        ("raise RuntimeError('at import')\n", "RuntimeError: at import"),
        ("import sys; sys.exit(9)\n", "SystemExit: 9"),
    ],
)
def test_a_hook_file_that_does_not_load_is_one_line(cli: Cli, code: str, says: str) -> None:
    (cli.root / "bad_hooks.py").write_text(code)
    line = cli.refused("scan", NOWHERE, status=INVALID, ROOKERY_HOOKS__MODULES=str(cli.root / "bad_hooks.py"))
    assert says in line


# --- data directory


def test_a_data_directory_that_cannot_be_used_is_said_so(cli: Cli) -> None:
    (cli.root / "file").touch()
    (cli.root / "sealed").mkdir(mode=0o500)
    (cli.root / "loop").symlink_to("loop")
    for name in ("file", "sealed", "sealed/below", "loop", "/proc/none", "x" * 300):
        cli.data_dir = cli.root / name
        assert "--data-dir" in cli.refused("scope", "list", status=UNAVAILABLE)


# --- database


READING = (
    ["findings", "list"],
    ["audit", "show", "1"],
    ["audit", "export", "--jsonl"],
    ["settings", "get"],
    ["db", "check"],
)
WRITING = (
    ["scope", "add", "10.0.0.0/8"],
    ["scan", NOWHERE],
    ["scan", "http://192.0.3.1"],
    ["audit", "prune", "--before", "2030-01-01", "--yes", "--force"],
    ["db", "upgrade"],
)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o400, 0o700), (0o600, 0o500)])
def test_a_read_only_database_is_read_and_what_would_write_says_so(
    used: Cli, file_mode: int, folder_mode: int
) -> None:
    file = used.data_dir / "rookery.db"
    before = file.read_bytes()
    file.chmod(file_mode)
    used.data_dir.chmod(folder_mode)
    for command in READING:
        done = used(*command)
        assert done.returncode == 0, done.stderr
    assert_nothing_lost(used)
    for command in WRITING:
        line = used.refused(*command, status=UNAVAILABLE)
        assert "takes no writes" in line or "--data-dir" in line, line
    assert used("doctor").returncode == 1
    assert (file.read_bytes(), [path.name for path in file.parent.glob("rookery.db-*")]) == (before, [])
    used.data_dir.chmod(0o700)
    file.chmod(0o600)
    assert used("scope", "add", "10.0.0.0/8").returncode == 0


COMMANDS = (["audit", "verify"], ["findings", "list"], ["scan", NOWHERE], ["db", "backup", "copy.db"])


@pytest.mark.parametrize("kind", ["random", "truncated", "text"])
def test_a_file_that_is_no_database_any_more_is_said_so_by_every_command(used: Cli, kind: str) -> None:
    file = used.data_dir / "rookery.db"
    content = file.read_bytes()
    garbage = {
        "random": random.Random(1).randbytes(50_000),
        "truncated": content[:20_000],
        "text": b"note\n" * 999,
    }
    file.write_bytes(garbage[kind])
    for command in COMMANDS:
        line = used.refused(*command, status=UNAVAILABLE)
        assert "restore the last `rookery db backup`" in line
        assert str(file) in line
    assert used("doctor").returncode == 1
    assert file.read_bytes() == garbage[kind]
    file.write_bytes(content)
    assert_nothing_lost(used)


def test_damaged_pages_are_said_by_the_commands_that_meet_them(used: Cli) -> None:
    file = used.data_dir / "rookery.db"
    content = file.read_bytes()
    damaged = content[: 5 * 4096] + random.Random(1).randbytes(len(content) - 5 * 4096)
    file.write_bytes(damaged)
    for command in (["scope", "list"], ["audit", "verify"], ["findings", "list"]):
        assert "It is damaged" in used.refused(*command, status=UNAVAILABLE)
    doctor = used("doctor")
    assert (doctor.returncode, doctor.stderr) == (1, "")


def change(cli: Cli, statement: str) -> None:
    with closing(sqlite3.connect(cli.data_dir / "rookery.db")) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE alembic_version SET version_num = '0001_writebehind_cursor'", "Half migrated"),
        ("DELETE FROM alembic_version", "Half migrated"),
        ("DROP TABLE alembic_version", "Half migrated"),
        ("INSERT INTO alembic_version VALUES ('0001_writebehind_cursor')", "Half migrated"),
        ("UPDATE alembic_version SET version_num = '9999_from_the_future'", "A newer Rookery"),
    ],
)
def test_a_half_migrated_or_too_new_database_is_said_so(used: Cli, statement: str, says: str) -> None:
    change(used, statement)
    for command in (["scan", NOWHERE], ["db", "upgrade"]):
        assert says in used.refused(*command, status=CONFLICT)
    with closing(sqlite3.connect(used.data_dir / "rookery.db")) as database:
        assert database.execute("SELECT entry FROM scope_entry").fetchall() == [("192.0.2.0/24",)]


def test_a_missing_table_is_said_so(used: Cli) -> None:
    change(used, "DROP TABLE finding")
    assert "no such table: finding" in used.refused("findings", "list", status=UNAVAILABLE)


# --- full disk


@pytest.mark.parametrize("blocks", [4, 64, 400])
def test_with_a_full_disk_a_command_fails_in_one_line_and_nothing_acknowledged_is_lost(
    used: Cli, weak_server: WeakServer, blocks: int
) -> None:
    """No file may grow beyond so many kilobytes: the database's, the log's, the spool's, in turn."""
    full = ("bash", "-c", FULL_DISK.format(blocks=blocks), "bash")
    adding = used("scope", "add", "10.0.0.0/8", under=full)
    scan = used("scan", weak_server.url, under=full)
    assert scan.returncode == UNAVAILABLE, scan.stderr
    for done in (adding, scan):
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 0 or "Free some space" in last or "make room" in last, last
    scope = {"192.0.2.0/24"} | ({"10.0.0.0/8"} if adding.returncode == 0 else set())
    assert {row["entry"] for row in used.items("scope", "list")} == scope
    added = {row["object"] for row in used.items("audit", "list") if row["event_type"] == "scope.added"}
    assert added == scope
    assert used("audit", "verify").returncode == 0


# --- the clock


def test_entries_of_a_clock_that_went_back_are_kept_in_the_order_they_were_recorded(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process lives in a year that has not come; the second, a real one, in this."""
    ahead = datetime.now(UTC) + timedelta(days=365)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: ahead)
        patch.setattr("time.time_ns", lambda: int(ahead.timestamp() * 1e9))
        with app.open(cli.data_dir, actor="early") as rook:
            rook.scans.add_to_scope("192.0.2.0/24")
    assert cli("scope", "add", "198.51.100.0/24").returncode == 0
    rows = cli.items("audit", "list")
    assert [row["object"] for row in rows] == ["198.51.100.0/24", "192.0.2.0/24"]
    assert str(rows[0]["at"]) < str(rows[1]["at"])
    assert cli("audit", "verify").returncode == 0
