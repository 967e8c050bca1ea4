"""What our `rq` backend adds to RQ: a task that does nothing, through RQ, beside a plain job of RQ.

Both sides have a SimpleWorker's kind of worker in this process, one job at a time, unique ids and JSON. Ours
has a durable row (SQLite, `synchronous=NORMAL`), an audit entry for each submission, leases and fencing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from benchmarks.rows import Row
from benchmarks.sides.queues.ours import TYPES, nothing
from benchmarks.sides.queues.peers import redis
from rookery import app
from rookery.base import config
from rookery.mechanisms.tasks.rules import TaskStatus

COUNT = 500
ROUNDS = 7


class Cost(NamedTuple):
    """Microseconds for each task: by the clock, and of CPU time, Redis's included."""

    wall: float
    cpu: float


class Side(NamedTuple):
    """To hand a task over, and to have it done."""

    submit: Cost
    run: Cost


def cost(client: Redis, act: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time() + of_redis(client)
    act()
    wall, cpu = time.perf_counter() - wall, time.process_time() + of_redis(client) - cpu
    return Cost(wall / COUNT * 1e6, cpu / COUNT * 1e6)


def of_redis(client: Redis) -> float:
    """The seconds of CPU time that the server has used."""
    used: Any = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def plain(client: Redis) -> Side:
    client.flushall()
    queue = Queue(connection=client, serializer=JSONSerializer)

    def submit() -> None:
        for number in range(COUNT):
            queue.enqueue(nothing, None, None, number, job_id=uuid4().hex, unique=True)

    worker = SimpleWorker([queue], connection=client, serializer=JSONSerializer)
    submitting = cost(client, submit)
    return Side(submitting, cost(client, lambda: worker.work(burst=True, logging_level="ERROR")))


def ours(client: Redis, url: str) -> Side:
    client.flushall()
    with tempfile.TemporaryDirectory() as folder:
        settings = config.Config(data_dir=Path(folder), queue=config.Queue(backend="rq", redis_url=url))
        with app.open(config=settings, types=TYPES) as rook:

            def submit() -> None:
                for number in range(COUNT):
                    rook.tasks.submit_task("bench.nothing", {"number": number})

            submitting = cost(client, submit)
            worker = app.worker_of(rook, concurrency=1, drains=True)
            side = Side(submitting, cost(client, worker.run))
            assert rook.tasks.health().counts[TaskStatus.COMPLETED] == COUNT
            return side


def main() -> Iterator[Row]:
    """The cheapest of several rounds on each side, taken in turn: what else the machine does is no claim."""
    with redis() as url, Redis.from_url(url) as client:
        rounds = [(plain(client), ours(client, url)) for _ in range(ROUNDS)]
    theirs, mine = ([pair[number] for pair in rounds] for number in (0, 1))
    yield row("a task through the rq backend over a job of RQ: CPU time", theirs, mine, total_cpu, 1.5)
    yield row("the same by the clock", theirs, mine, total_wall, 1.5)
    yield row("of that, to submit: CPU time", theirs, mine, lambda side: side.submit.cpu, None)
    yield row("of that, to have it done: CPU time", theirs, mine, lambda side: side.run.cpu, None)


def total_cpu(side: Side) -> float:
    return side.submit.cpu + side.run.cpu


def total_wall(side: Side) -> float:
    return side.submit.wall + side.run.wall


def row(
    claim: str, theirs: list[Side], mine: list[Side], of: Callable[[Side], float], goal: float | None
) -> Row:
    least, own = min(map(of, theirs)), min(map(of, mine))
    detail = f"{own:,.0f} against {least:,.0f} µs, the least of {ROUNDS} rounds"
    return Row(claim, own / least, "×", goal, "less", detail)
