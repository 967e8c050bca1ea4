"""The files of tasks: listed, read piece by piece, and deleted when their time has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from rookery import app
from rookery.base.clock import now, to_us
from rookery.base.config import Queue
from rookery.mechanisms.artifacts import ArtifactNotFound
from rookery.mechanisms.tasks import artifacts, service
from rookery.mechanisms.tasks.artifacts import CHUNK
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.errors import TaskNotFound
from rookery.mechanisms.tasks.pruning import prune
from rookery.mechanisms.tasks.registry import TaskType
from tests.conftest import Call
from tests.patience import wait_for
from tests.workers import ended, working

REPORT = b"0123456789abcdef" * (CHUNK // 10)


def write(_rook: Any, context: TaskContext, _payload: Any) -> None:
    (context.artifacts / "report.bin").write_bytes(REPORT)


TYPES = (TaskType(name="test.write", function=write),)


@pytest.fixture
def house(call: Call) -> Iterator[app.Rook]:
    """A Rook on the database of the call, which knows the task that writes."""
    with app.open(config=call.rook.config, actor="tester", types=TYPES) as rook:
        yield rook


def done(house: app.Rook) -> str:
    """A task that has left its file."""
    task_id = house.tasks.submit_task("test.write")
    with working(house, types=TYPES):
        ended(house, task_id)
    return task_id


def age(house: app.Rook, task_id: str, days: int) -> None:
    """Have it ended so many days ago."""
    with house.transaction() as session:
        values = {"then": to_us(now() - timedelta(days=days)), "id": task_id}
        session.execute(text("UPDATE task SET finished_us = :then WHERE id = :id"), values)


def test_the_files_of_a_task_are_listed_and_read(call: Call, house: app.Rook) -> None:
    task_id = done(house)
    assert [(each.name, each.size) for each in call(artifacts.artifacts, task_id)] == [
        ("report.bin", len(REPORT))
    ]
    pieces = call(artifacts.read_artifact, task_id, "report.bin")
    assert (b"".join(pieces), len(pieces)) == (REPORT, 2)


def test_of_a_task_without_files_there_are_none(call: Call, house: app.Rook) -> None:
    task_id = house.tasks.submit_task("test.write")
    assert call(artifacts.artifacts, task_id) == []
    with pytest.raises(ArtifactNotFound):
        call(artifacts.read_artifact, task_id, "report.bin")


def test_of_what_is_no_task_there_are_no_files_whatever_lies_there(call: Call, data_dir: Path) -> None:
    (data_dir / "artifacts").mkdir()
    (data_dir / "artifacts" / "stray").write_text("stray")
    for task_id in ("..", "../artifacts", "019a0000-0000-7000-8000-000000000000"):
        with pytest.raises(TaskNotFound):
            call(artifacts.read_artifact, task_id, "stray")


def test_files_go_with_their_task(call: Call, house: app.Rook, data_dir: Path) -> None:
    task_id, other = done(house), done(house)
    age(house, task_id, days=2)
    assert call(service.prune_tasks, now() - timedelta(days=1)) == 1
    assert [path.name for path in (data_dir / "artifacts").iterdir()] == [other]
    assert call(artifacts.artifacts, other)


def test_files_may_go_before_their_task(house: app.Rook, data_dir: Path) -> None:
    young, old = done(house), done(house)
    age(house, old, days=10)
    config = replace(house.config, queue=Queue(keep_days=30, artifact_days=5))
    with app.open(config=config) as rook:
        prune(rook)
    assert [path.name for path in (data_dir / "artifacts").iterdir()] == [young]
    assert house.tasks.artifacts(old) == []


def test_files_of_a_task_that_runs_stay_however_old(house: app.Rook, data_dir: Path) -> None:
    task_id = house.tasks.submit_task("test.write")
    (data_dir / "artifacts" / task_id).mkdir(parents=True)
    with app.open(config=replace(house.config, queue=Queue(artifact_days=1))) as rook:
        prune(rook)
    assert (data_dir / "artifacts" / task_id).exists()


def test_a_worker_prunes_by_itself_and_finds_what_a_crash_has_left(house: app.Rook, data_dir: Path) -> None:
    """The rows go first: files without a task are what is left when a crash comes between."""
    task_id = done(house)
    age(house, task_id, days=100)
    (data_dir / "artifacts" / "of a task that is gone").mkdir()
    (data_dir / "artifacts" / "no folder").write_text("it is nobody's")
    with working(house, types=TYPES):
        wait_for(lambda: {path.name for path in (data_dir / "artifacts").iterdir()} == {"no folder"})
    with pytest.raises(TaskNotFound):
        house.tasks.get_task(task_id)
    events = [entry.event_type for entry in house.audit.list()]
    assert "tasks.pruned" in events
