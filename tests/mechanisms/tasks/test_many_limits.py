"""Tasks with a great many limits, as a scan of a whole network has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from rookery import app
from rookery.base.config import Config
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.conftest import Call
from tests.patience import wait_for
from tests.workers import ended, until, working


def hold(_rook: Any, _context: TaskContext, payload: Any) -> None:
    """Until a file is there."""
    wait_for(Path(payload["until"]).exists)


def hosts(_session: Session, _config: Config, payload: Any) -> Mapping[str, int]:
    first, last = payload["hosts"]
    return {f"host:{number:05}": 1 for number in range(first, last)}


TYPES = (TaskType(name="test.hold", function=hold, limits=hosts),)


def test_one_place_in_common_keeps_two_tasks_apart(call: Call, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with app.open(config=call.rook.config, types=TYPES) as rook:
        spans = [(0, 1200), (1199, 2400), (2400, 3600)]
        first, second, third = (
            rook.tasks.submit_task("test.hold", {"hosts": span, "until": str(gate)}) for span in spans
        )
        with working(rook, types=TYPES):
            until(rook, third, lambda task: task.status is TaskStatus.RUNNING)
            waiting = until(rook, second, lambda task: task.waits_for is not None)
            assert (waiting.waits_for, rook.tasks.get_task_status(first)) == (
                "host:01199",
                TaskStatus.RUNNING,
            )
            gate.touch()
            assert {ended(rook, each).status for each in (first, second, third)} == {TaskStatus.COMPLETED}
