"""The page about tasks of one's own is true: what it shows is saved, started, submitted to and stopped."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.patience import PATIENCE
from tests.workers import ended

COMPLETED = TaskStatus.COMPLETED
PAGE = Path(__file__).parents[2] / "docs/howto/write-a-task.md"


@pytest.fixture
def submission(tmp_path: Path, data_dir: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's third example; what the first two say to save is saved, and can be imported."""
    shown: list[str] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    for name, text in zip(("reports.py", "worker.py"), shown, strict=False):
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("ROOKERY_DATA_DIR", str(data_dir))
    return shown[2]


@pytest.fixture
def worker(tmp_path: Path, submission: str) -> Iterator[subprocess.Popen[bytes]]:
    """The page's worker, told to stop at the end."""
    with subprocess.Popen([sys.executable, tmp_path / "worker.py"], stderr=subprocess.PIPE) as process:
        yield process
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said.decode()


def test_the_tasks_of_the_how_to_are_done_by_its_worker(
    submission: str, worker: object, tmp_path: Path
) -> None:
    names: dict[str, Any] = {}
    exec(compile(submission, "example", "exec"), names)  # noqa: S102
    (tmp_path / "file").write_bytes(b"rookery")
    with app.open(types=names["TYPES"]) as rook:
        first = ended(rook, names["task_id"])
        sizes = {file.name: file.size for file in rook.tasks.artifacts(first.id)}
        assert (first.status, first.result, list(sizes)) == (
            COMPLETED,
            sizes,
            ["findings.csv", "findings.html"],
        )
        children = rook.tasks.list(parent_id=first.id)
        assert [ended(rook, child.id).status for child in children] == [COMPLETED] * 2
        digest = ended(rook, rook.tasks.submit_task("reports.digest", {"path": tmp_path / "file"}))
        assert digest.result == hashlib.sha256(b"rookery").hexdigest()
