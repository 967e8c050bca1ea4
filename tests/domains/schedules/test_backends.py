"""Whatever runs tasks, its workers fire."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery import app
from rookery.base.config import Config, Database, Queue
from rookery.domains.schedules.timing import Every
from tests.domains.schedules.notes import TYPES
from tests.mechanisms.tasks.rq.conftest import OwnRedis
from tests.patience import wait_for
from tests.workers import working


@pytest.mark.parametrize("backend", ["inline", "database", "rq"])
def test_a_worker_fires_and_the_task_is_done(
    backend: str, sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    redis = OwnRedis(tmp_path / "redis")
    if backend == "rq":
        redis.start()
    queue = Queue(backend=backend, redis_url=redis.url)  # type: ignore[arg-type]
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), queue=queue)
    try:
        with app.open(config=config, types=TYPES) as rook, working(rook, types=TYPES):
            rook.schedules.create("ticks", Every(1), "notes.take", {"text": "tick"})
            wait_for(lambda: any(task.result == "tick" for task in rook.tasks.list()))
            rook.schedules.disable("ticks")
    finally:
        redis.client.close()
        if backend == "rq":
            redis.stop()
