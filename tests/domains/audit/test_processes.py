"""Several processes and one log; and processes that are killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rookery.mechanisms.store import open_engine
from tests.domains.audit.conftest import serve
from tests.patience import PATIENCE

RECORDING = """
import sys
from pathlib import Path
from rookery.domains.audit.service import AuditService

url, data_dir, name, count = sys.argv[1:]
service = AuditService(url, Path(data_dir))
service.types.register("scan.started", "A run has begun.")
sys.stdin.read(1)
for number in range(int(count)):
    print(service.record("scan.started", actor=name, object=str(number)).id, flush=True)
service.close()
"""


def start(url: str, data_dir: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that waits for a byte, then records and prints each acknowledged id."""
    command = [sys.executable, "-c", RECORDING, url, str(data_dir), name, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def rows(url: str) -> list[Any]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id, actor, object FROM audit_entry ORDER BY position")).all()
    engine.dispose()
    return list(found)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


def test_four_processes_write_one_chain(url: str, data_dir: Path) -> None:
    children = [start(url, data_dir, f"p{number}", 500) for number in range(4)]
    acknowledged = [child.communicate("x")[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    stored = rows(url)
    for number, ids in enumerate(acknowledged):
        assert [row.id for row in stored if row.actor == f"p{number}"] == ids
    with serve(url, data_dir) as service:
        verdict = service.verify()
    assert verdict.problems == ()
    assert verdict.entries == 2000


@pytest.mark.parametrize("round_", range(5))
def test_a_process_killed_at_any_moment_loses_no_acknowledged_entry(
    url: str, data_dir: Path, round_: int
) -> None:
    child = start(url, data_dir, "doomed", 100_000)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("x")
    child.stdin.flush()
    first = child.stdout.readline()
    time.sleep(random.Random(round_).uniform(0, 0.5))
    child.send_signal(signal.SIGKILL)
    acknowledged = [first.strip(), *child.stdout.read().split("\n")]
    child.communicate()
    acknowledged = [id_ for id_ in acknowledged if len(id_) == 36]
    with serve(url, data_dir) as service:
        service.record("scan.started", actor="next", object="after")
        assert service.flush(PATIENCE)
        verdict = service.verify()
    assert verdict.problems == ()
    stored = [row.id for row in rows(url) if row.actor == "doomed"]
    assert stored[: len(acknowledged)] == acknowledged
    assert len(stored) - len(acknowledged) <= 1, "stored twice, or stored what was never recorded"
