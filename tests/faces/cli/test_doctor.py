"""`rookery doctor` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rookery import app
from rookery.base.config import Config, Database, MongoDB, Queue, load_config
from rookery.faces.cli import checks
from tests import servers

from .conftest import Cli


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with a migrated database."""
    app.open(tmp_path / "data", config=Config(data_dir=tmp_path / "data")).close()
    return tmp_path / "data"


def _answers(cli: Cli, *arguments: str, **env: str) -> dict[str, dict[str, Any]]:
    document = json.loads(cli("doctor", "--json", *arguments, env=env).stdout)
    return {check["name"]: check for check in document["checks"]}


def test_a_sound_installation_has_no_problem(cli: Cli, data_dir: Path) -> None:
    result = cli("doctor", "--strict", "--data-dir", str(data_dir))
    assert result.returncode == 0, result.stdout
    assert result.stdout.endswith("no problem found\n")


def test_before_the_first_command_nothing_is_wrong_and_nothing_is_made(cli: Cli, tmp_path: Path) -> None:
    result = cli("doctor", "--strict", "--data-dir", "fresh")
    assert result.returncode == 0, result.stdout
    assert "made by the first command" in result.stdout
    assert not (tmp_path / "fresh").exists()


def test_every_no_and_warning_comes_with_a_fix_and_a_no_with_exit_status_1(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    result = cli("doctor", "--json", "--data-dir", "data")
    document = json.loads(result.stdout)
    assert (result.returncode, document["ok"]) == (1, False)
    bad = [check for check in document["checks"] if check["state"] in {"no", "warning"}]
    assert "data_dir" in {check["name"] for check in bad}
    assert all(check["fix"] for check in bad)


def test_a_warning_is_a_problem_only_when_strict(cli: Cli, data_dir: Path) -> None:
    data_dir.chmod(0o755)
    assert cli("doctor", "--data-dir", str(data_dir)).returncode == 0
    result = cli("doctor", "--strict", "--data-dir", str(data_dir))
    assert result.returncode == 1
    assert f"→ chmod 700 {data_dir}" in result.stdout


def test_settings_that_cannot_be_read_are_an_answer_among_the_others(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rookery.toml").write_text("[hooks]\npool_size = 0\n", encoding="utf-8")
    answers = _answers(cli)
    assert "hooks.pool_size" in answers["settings"]["found"]
    assert answers["python"]["state"] == "ok"


def test_a_file_that_is_no_database_is_found(cli: Cli, data_dir: Path) -> None:
    (data_dir / "rookery.db").write_bytes(os.urandom(8192))
    answer = _answers(cli, "--data-dir", str(data_dir))["database"]
    assert (answer["state"], answer["found"]) == ("no", f"{data_dir}/rookery.db: file is not a database")


def test_a_database_of_a_newer_version_is_found(cli: Cli, data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "rookery.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    answer = _answers(cli, "--data-dir", str(data_dir))["database"]
    assert answer["state"] == "no"
    assert "9999_later" in answer["found"]


def test_a_server_that_does_not_answer_is_found_and_its_password_is_not_shown(cli: Cli) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://u:s3cret-pw@127.0.0.1:{unused.getsockname()[1]}/db"
        result = cli("doctor", env={"ROOKERY_DATABASE__URL": url})
    assert result.returncode == 1
    assert "Connection refused" in result.stdout
    assert "s3cret-pw" not in result.stdout


def test_a_postgresql_server_that_answers_is_sound(postgres_url: str, tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, database=Database(url=postgres_url))
    app.open(config=config).close()
    assert checks.database(config).state == "ok"


def test_a_mongodb_that_does_not_answer_is_found(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"mongodb://127.0.0.1:{unused.getsockname()[1]}/db"
        answer = checks.mongodb(
            Config(data_dir=tmp_path, mongodb=MongoDB(url=url, server_selection_timeout_ms=100))
        )
    assert answer.state == "no"


def test_a_redis_that_does_not_answer_is_found(tmp_path: Path, free_port: int) -> None:
    url = f"redis://:s3cret-pw@127.0.0.1:{free_port}/0"
    answer = checks.redis(Config(data_dir=tmp_path, queue=Queue(redis_url=url)))
    assert (answer.state, answer.found) == ("no", "does not answer (ConnectionError)")


def test_a_redis_that_answers_is_sound_unless_it_drops_what_it_holds(tmp_path: Path) -> None:
    with servers.own_redis(tmp_path / "redis") as url, Redis.from_url(url) as client:
        config = Config(data_dir=tmp_path, queue=Queue(backend="rq", redis_url=url))
        assert checks.redis(config).state == "ok"
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert checks.redis(config).state == "warning"


def test_redis_is_looked_at_only_where_tasks_go_through_it(tmp_path: Path) -> None:
    loaded = load_config(data_dir=tmp_path)
    assert "redis" not in {check.name for check in checks.installation(loaded)}


def test_an_audit_log_that_somebody_edited_is_found(data_dir: Path) -> None:
    config = Config(data_dir=data_dir)
    with app.open(config=config, actor="alice") as rook:
        rook.audit.record("scope.added", object="192.0.2.0/24")
    assert checks.audit(config).found == "intact; entries: 1"
    with closing(sqlite3.connect(data_dir / "rookery.db")) as connection, connection:
        connection.execute("UPDATE audit_entry SET actor = 'mallory'")
    answer = checks.audit(config)
    assert answer.state == "no"
    assert "entry 1" in answer.found


def test_a_private_key_that_others_can_read_is_found(data_dir: Path) -> None:
    key = data_dir / "keys/audit.key"
    key.parent.mkdir(exist_ok=True)
    key.touch(0o600)
    key.with_suffix(".pub").touch(0o644)
    assert checks.keys(data_dir).state == "ok"
    key.chmod(0o640)
    answer = checks.keys(data_dir)
    assert (answer.state, answer.fix) == ("no", f"chmod 600 {key}")


def test_a_clock_behind_the_newest_file_is_found(data_dir: Path) -> None:
    later = time.time() + 86_400
    os.utime(data_dir / "rookery.db", (later, later))
    assert checks.clock(data_dir).state == "no"


def test_what_could_not_be_delivered_is_found(data_dir: Path) -> None:
    dead = data_dir / "spool/audit/instance/dead.jsonl"
    dead.parent.mkdir(parents=True)
    dead.touch()
    assert checks.dead_letters(data_dir).state == "ok"
    dead.write_text("{}\n", encoding="utf-8")
    answer = checks.dead_letters(data_dir)
    assert (answer.state, answer.found) == ("warning", str(dead))
