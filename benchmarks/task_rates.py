"""Tasks per second: ours beside rq, huey, dramatiq and procrastinate, and beside what the disk can do.

Ours commits each submission and each completion with `synchronous=FULL`; Redis keeps nothing on disk, which
is in its favour. All workers are processes of their own with one job at a time, ours with its four hands.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.rows import Row
from benchmarks.sides.queues.ours import in_folder, open_rook, rate, sqlite, workers_on
from benchmarks.sides.queues.peers import Rates, ours, peer, postgres, redis
from rookery.mechanisms.tasks.rules import TaskStatus

COUNT = 1_000
MANY = 6_000
ROUNDS = 3


class Sides(NamedTuple):
    """The best of each side over the rounds."""

    commits: float
    once: Rates
    again: Rates
    simple: Rates
    fork: Rates
    huey: Rates
    dramatiq: Rates


def main() -> Iterator[Row]:
    yield from on_sqlite()
    yield from on_postgres()


def commits_rate(folder: str) -> float:
    """Commits per second of one row each, with synchronous=FULL, by the driver alone."""
    with closing(sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, value TEXT)")

        def commit() -> None:
            for _ in range(COUNT):
                raw.execute("BEGIN IMMEDIATE")
                raw.execute("INSERT INTO row (value) VALUES ('a value')")
                raw.execute("COMMIT")

        return rate(commit, COUNT)


def one_round(redis_url: str) -> Sides:
    """All sides, one after the other."""
    return Sides(
        in_folder(commits_rate),
        in_folder(lambda folder: ours(sqlite(folder), folder, "rates", "bench.nothing", str(COUNT))),
        in_folder(lambda folder: ours(sqlite(folder), folder, "rates", "bench.idempotent", str(5 * COUNT))),
        peer("rq", redis_url, str(COUNT), "simple"),
        peer("rq", redis_url, str(COUNT // 10), "fork"),
        in_folder(lambda folder: peer("huey", folder, str(COUNT))),
        peer("dramatiq", redis_url, str(COUNT)),
    )


def on_sqlite() -> Iterator[Row]:
    """Ratios within a round, so that the disk's mood is the same for all; the best round counts."""
    with redis() as url:
        rounds = [one_round(url) for _ in range(ROUNDS)]
    yield ratio(rounds, "tasks/s, of the disk's commits/s", 0.25, lambda one: (one.once["done"], one.commits))
    yield ratio(
        rounds, "the same over RQ's SimpleWorker", 5, lambda one: (one.once["done"], one.simple["done"])
    )
    yield ratio(
        rounds, "the same over RQ's forking worker", 15, lambda one: (one.once["done"], one.fork["done"])
    )
    yield ratio(
        rounds, "the same over Huey on SQLite", None, lambda one: (one.once["done"], one.huey["done"])
    )
    yield ratio(
        rounds,
        "the same over Dramatiq, one thread",
        None,
        lambda one: (one.once["done"], one.dramatiq["done"]),
    )
    yield ratio(
        rounds, "idempotent tasks/s, of the disk's commits/s", 5, lambda one: (one.again["done"], one.commits)
    )
    yield from submissions(rounds)


def submissions(rounds: list[Sides]) -> Iterator[Row]:
    """With a key, by one and by many at once, who share commits."""
    for who, mine, theirs in (("one", "keyed", "unique"), ("16", "at_once", "at_once")):
        yield ratio(
            rounds, f"submissions with a key by {who}, of the disk's commits/s", 0.8,
            partial(_submitted, mine=mine),
        )  # fmt: skip
        yield ratio(
            rounds, f"the same over RQ's unique=True by {who}", 2,
            partial(_submitted, mine=mine, theirs=theirs),
        )  # fmt: skip


def _submitted(one: Sides, mine: str, theirs: str = "") -> tuple[float, float]:
    return one.once[mine], one.simple[theirs] if theirs else one.commits


def ratio(
    rounds: list[Sides], claim: str, goal: float | None, pair: Callable[[Sides], tuple[float, float]]
) -> Row:
    mine, other = max(map(pair, rounds), key=lambda sides: sides[0] / sides[1])
    detail = f"{mine:,.0f} against {other:,.0f} /s, best of {ROUNDS} rounds"
    return Row(claim, mine / other, "×", goal, "more", detail)


def on_postgres() -> Iterator[Row]:
    """One worker each, then two of ours; each once it has begun."""
    with postgres() as (mine, other):
        theirs = peer("procrastinate", other, str(COUNT), "1")["done"]
        one, two = (drained(mine, workers) for workers in (1, 2))
    detail = f"{one:,.0f} against {theirs:,.0f} /s, one worker each"
    yield Row("tasks/s on PostgreSQL over Procrastinate", one / theirs, "×", 3, "more", detail)
    detail = f"{two:,.0f} against {one:,.0f} /s"
    yield Row("two workers over one on PostgreSQL", two / one, "×", 1.2, "more", detail)


def drained(url: str, workers: int) -> float:
    """Tasks per second from when a quarter is done, so that no worker's start counts, until none is left."""
    with tempfile.TemporaryDirectory() as folder, open_rook(url, Path(folder)) as rook:
        before = rook.tasks.health().counts[TaskStatus.COMPLETED]
        with rook.transaction() as session:
            for number in range(MANY):
                rook.tasks.submit_task("bench.nothing", {"number": number}, session=session)

        def done(count: int) -> None:
            while rook.tasks.health().counts[TaskStatus.COMPLETED] < before + count:
                time.sleep(0.05)  # to ask costs both of them

        with workers_on(url, folder, workers):
            done(MANY // 4)
            return rate(lambda: done(MANY), MANY - MANY // 4)
