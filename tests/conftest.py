"""What every test has: databases, both worlds, private servers, and no way out of this machine."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings
from msgspec.structs import replace
from pymongo import MongoClient
from sqlalchemy import create_engine, make_url, text

from rookery import app
from rookery.base.config import Config, Database, Queue
from rookery.demo import WeakServer
from rookery.mechanisms.store import migrate, open_engine
from rookery.mechanisms.tasks.registry import TaskType
from tests import leaks, servers
from tests.beside import beside
from tests.forked import Forge

# How long one example takes says more about the machine's load than about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # processes under test would ignore it, too
    if not hasattr(config, "workerinput"):
        directory = Path(tempfile.mkdtemp(prefix="rookery-servers-"))
        directory.chmod(0o755)  # the unprivileged user that PostgreSQL runs as must find its way in
        servers.open_directory(directory)


def pytest_collection_finish() -> None:
    """What is collected stays: to look at it again and again took the garbage collector half of the time."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.stop_all()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    count = sum(servers.SKIPPED in str(report.longrepr) for report in reports)
    terminalreporter.write_line(f"{count} tests skipped for want of a server")


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """No Python socket connects beyond this machine, whatever a test does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(args[-1][0]):
            raise AssertionError(f"a test tried to reach {args[-1][0]}: loopback only")
        return method(self, *args)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True, scope="session")
def _secrets_are_heard_of() -> Iterator[None]:
    with leaks.hearing():
        yield


@pytest.fixture(autouse=True)
def _no_secret_is_logged() -> Iterator[None]:
    """Whatever a test does, what it makes of secrets is in no log (tests/leaks.py)."""
    with leaks.watching():
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once, to be copied."""
    file = tmp_path_factory.mktemp("template") / "rookery.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of a migrated PostgreSQL database, made once, to be cloned."""
    with _database("template1") as url:
        _migrate(url)
        yield str(make_url(url).database)


def _migrate(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


@contextmanager
def _database(template: str) -> Iterator[str]:
    """A PostgreSQL database cloned from another one; its URL."""
    server = make_url(servers.postgres_url())
    name = f"test_{uuid4().hex}"
    _administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield server.set(database=name).render_as_string(hide_password=False)
    _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(statement: str) -> None:
    url = make_url(servers.postgres_url()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory of the test's own."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, data_dir: Path) -> str:
    """A migrated SQLite database of the test's own."""
    shutil.copy(sqlite_template, data_dir / "rookery.db")
    return f"sqlite:///{data_dir / 'rookery.db'}"


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A PostgreSQL database of the test's own, without a table in it."""
    with _database("template1") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    with _database(postgres_template) as url:
        yield url


@pytest.fixture
def mongodb_url() -> Iterator[str]:
    """A MongoDB database of the test's own, empty."""
    url = f"{servers.mongodb_url().rstrip('/')}/test_{uuid4().hex}"
    yield url
    with MongoClient[dict[str, object]](url) as client:
        client.drop_database(client.get_default_database())


@pytest.fixture
def sqlite_rook(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    """A plain Rook on a SQLite database of the test's own."""
    with app.open(config=_config(sqlite_url, data_dir), actor="tester") as rook:
        yield rook


def _config(url: str, data_dir: Path) -> Config:
    return Config(data_dir=data_dir, database=Database(url=url))


class Call:
    """Calls dual operations in one world, on one database; a stream's rows come as a list."""

    def __init__(
        self,
        config: Config,
        closing: ExitStack,
        runner: asyncio.Runner | None,
        types: Sequence[TaskType] = (),
    ) -> None:
        self.config = config
        self._closing = closing
        self._runner = runner
        self._types = types

    def __call__(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._runner is None:
            result = operation(self.rook, *args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result
        async_rook = self.async_rook
        with watching_loops():
            return self._runner.run(_awaited(operation(async_rook, *args, **kwargs)))

    @property
    def is_async(self) -> bool:
        """Whether operations run on an event loop here."""
        return self._runner is not None

    @cached_property
    def rook(self) -> app.Rook:
        """A plain Rook, which in the async world serves to arrange and to inspect."""
        return self._closing.enter_context(app.open(config=self.config, actor="tester", types=self._types))

    @cached_property
    def async_rook(self) -> app.AsyncRook:
        """The AsyncRook of the async world."""
        assert self._runner is not None
        opening = app.aopen(config=self.config, actor="tester", types=self._types)
        rook = self._runner.run(_awaited(opening.__aenter__()))
        self._closing.callback(lambda: self._runner and self._runner.run(_closed(opening)))
        return cast("app.AsyncRook", rook)


@contextmanager
def watching_loops() -> Iterator[None]:
    """Blocking calls on any event loop raise, but for coverage's own lock, for which its tracer may wait."""
    with blockbuster_ctx() as watch:
        for name in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
            watch.functions[name].can_block_in("coverage/collector.py", "lock_data")
        yield


async def _awaited(result: Awaitable[Any] | AsyncIterator[Any]) -> Any:
    if isinstance(result, AsyncIterator):
        return [row async for row in result]
    return await result


async def _closed(opening: AbstractAsyncContextManager[Any]) -> None:
    await opening.__aexit__(None, None, None)


@pytest.fixture
def own_types() -> Sequence[TaskType]:
    """The types of tasks that `call` knows beside those of the domains; for a folder's conftest to say."""
    return ()


@pytest.fixture
def queue_settings() -> Queue:
    """How the queue of `call` is set up; for a folder's conftest or a module to say."""
    return Queue()


@pytest.fixture(
    params=[
        "sync-sqlite",
        "async-sqlite",
        pytest.param("sync-postgresql", marks=pytest.mark.postgres),
        pytest.param("async-postgresql", marks=pytest.mark.postgres),
    ]
)
def call(
    request: pytest.FixtureRequest, data_dir: Path, own_types: Sequence[TaskType], queue_settings: Queue
) -> Iterator[Call]:
    """Call a dual operation: `call(operation, *args)`, in each world and on each database."""
    world, _, database = request.param.partition("-")
    url = request.getfixturevalue("sqlite_url" if database == "sqlite" else "postgres_url")
    with ExitStack() as closing:
        runner = closing.enter_context(asyncio.Runner()) if world == "async" else None
        yield Call(replace(_config(url, data_dir), queue=queue_settings), closing, runner, own_types)


@pytest.fixture(scope="session")
def weak_server() -> Iterator[WeakServer]:
    """A weak web server on a free port, in a thread of its own."""
    with beside(WeakServer()) as server:
        yield server


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """Where command lines come from."""
    forge = Forge()
    yield forge
    forge.close()


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
