"""`queue.backend = "inline"`: what a command leaves to others is done before it returns, and that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rookery import app
from rookery.base.config import Config
from rookery.mechanisms.store import sql
from tests.domains.backups.conftest import device, fleet
from tests.journeys.conftest import Rookery
from tests.journeys.test_devices_and_backups import known


@pytest.fixture(autouse=True)
def in_line(environment: dict[str, str]) -> None:
    environment["ROOKERY_QUEUE__BACKEND"] = "inline"


@contextmanager
def taken(data_dir: Path, name: str) -> Iterator[None]:
    """While another task has the limit of a device."""
    with app.open(config=Config(data_dir=data_dir)) as rook, rook.engine.begin() as connection:
        key = f"device {rook.devices.get(name).id}"
        sql.run(connection, "INSERT INTO task_slot VALUES (:key, 0, 'another')", {"key": key})
    yield
    with app.open(config=Config(data_dir=data_dir)) as rook, rook.engine.begin() as connection:
        sql.run(connection, "DELETE FROM task_slot WHERE task_id = 'another'")


def test_it_is_said_that_it_was_done(rookery: Rookery, free_port: int) -> None:
    done = "It was done at once (queue.backend is inline), and"
    good = rookery("backup", "--all", "--detach")
    assert good.stderr == f"{done} completed: rookery tasks show {good.stdout[:13]}\n"
    bad = rookery("scan", f"127.0.0.1:{free_port}", "--detach")
    said = f"{done} failed: rookery tasks show {bad.stdout[:13]}"
    assert bad.stderr.splitlines()[-1] == said
    assert rookery("tasks", "retry", bad.stdout.strip()).stderr.splitlines()[-1] == said


def test_it_is_said_what_a_limit_has_kept_from_being_done(rookery: Rookery, tmp_path: Path) -> None:
    simulated = device("r1"), device("r2")
    with fleet(simulated):
        known(rookery, simulated)
        with taken(tmp_path / "data", "r1"):
            left = rookery("backup", "--all", "--detach")
            [waits] = json.loads(rookery("tasks", "list", "--status", "pending", "--json").stdout)["items"]
        assert left.stderr.splitlines()[1:] == [
            f"A limit kept it from being done at once: {waits['id'][:13]}. "
            "A worker does it when the limit is free:",
            "  rookery worker --drain",
        ]
        assert rookery("worker", "--drain").returncode == 0
    assert [each.logins for each in simulated] == [1, 1]
