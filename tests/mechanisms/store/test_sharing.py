"""Writers that come at the same time share a commit; each has its own result, or its own error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import IntegrityError

from rookery.mechanisms.store import open_engine
from rookery.mechanisms.store.sharing import CommitNotHeardOf, SharedCommits

WAIT = 30

Asks = Callable[..., Future[Any]]


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = open_engine(request.getfixturevalue(request.param))
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine: Engine) -> list[Connection]:
    """A line for each commit of the engine."""
    seen: list[Connection] = []
    event.listen(engine, "commit", seen.append)
    return seen


class Writers:
    """Threads that wait for their turn behind a first one, until that is let go."""

    def __init__(self, shared: SharedCommits, pool: ThreadPoolExecutor) -> None:
        self._shared, self._pool = shared, pool
        self._has_turn, self._may_go = threading.Event(), threading.Event()
        self.first = self.ask(self._hold)
        assert self._has_turn.wait(WAIT)

    def ask(self, act: Callable[[Connection], object], order: str = "") -> Future[Any]:
        begun = threading.Event()

        def asks() -> object:
            begun.set()
            return self._shared.run(act, order)

        asked = self._pool.submit(asks)
        assert begun.wait(WAIT)
        return asked

    def let_go(self) -> None:
        self._may_go.wait(0.2)  # who has begun has asked by then
        self._may_go.set()

    def _hold(self, _connection: Connection) -> None:
        self._has_turn.set()
        self._may_go.wait(WAIT)


@pytest.fixture
def writers(engine: Engine) -> Iterator[Writers]:
    with ThreadPoolExecutor(12) as pool:
        writers = Writers(SharedCommits(engine), pool)
        yield writers
        writers.let_go()


def putting(stream: str) -> Callable[[Connection], str]:
    """Write a row of this name, which there may be once, and return the name."""

    def put(connection: Connection) -> str:
        connection.execute(
            text("INSERT INTO writebehind_cursor (stream, seq) VALUES (:stream, 1)"), {"stream": stream}
        )
        return stream

    return put


def streams(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT stream FROM writebehind_cursor ORDER BY stream")))


def test_who_waits_shares_one_commit(writers: Writers, engine: Engine, commits: list[Connection]) -> None:
    asked = [writers.ask(putting(name)) for name in "abcdefgh"]
    writers.let_go()
    assert [each.result(WAIT) for each in asked] == list("abcdefgh")
    assert streams(engine) == list("abcdefgh")
    assert len(commits) == 2  # the first one's, and theirs


def test_what_fails_fails_alone(writers: Writers, engine: Engine) -> None:
    def fail(connection: Connection) -> None:
        putting("never")(connection)
        raise KeyError("mine")

    good, bad, more = writers.ask(putting("a")), writers.ask(fail), writers.ask(putting("b"))
    writers.let_go()
    assert (good.result(WAIT), more.result(WAIT)) == ("a", "b")
    with pytest.raises(KeyError, match="mine"):
        bad.result(WAIT)
    assert streams(engine) == ["a", "b"]


@pytest.fixture
def child(engine: Engine) -> str:
    """An INSERT that is refused by the COMMIT alone."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        deferred = "REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED"
        connection.execute(text(f"CREATE TABLE child (id INTEGER {deferred})"))
    return "INSERT INTO child (id) VALUES (1)"


def test_when_the_commit_itself_fails_nothing_is_done_twice(child: str, writers: Writers) -> None:
    """It may have been made, and its answer lost."""
    done: list[str] = []
    asked = [
        writers.ask(lambda _: done.append("good")),
        writers.ask(lambda connection: connection.execute(text(child))),
    ]
    writers.let_go()
    assert all(isinstance(each.exception(WAIT), IntegrityError) for each in asked)
    assert done == ["good"]


def test_those_of_one_commit_are_done_in_order(writers: Writers) -> None:
    done: list[str] = []
    asked = [writers.ask(lambda _, name=name: done.append(name), order=name) for name in "cab"]  # type: ignore[misc]
    writers.let_go()
    for each in asked:
        each.result(WAIT)
    assert done == ["a", "b", "c"]


def test_who_is_interrupted_leaves_nobody_believing_that_it_is_done(writers: Writers, engine: Engine) -> None:
    def interrupt(_connection: Connection) -> None:
        raise KeyboardInterrupt

    asked = [writers.ask(putting("a"), order="1"), writers.ask(interrupt, order="2")]
    writers.let_go()
    errors = {type(each.exception(WAIT)) for each in asked}
    assert errors == {KeyboardInterrupt, CommitNotHeardOf} or errors == {CommitNotHeardOf}
    assert streams(engine) == []
    assert writers.ask(putting("b")).result(WAIT) == "b"
