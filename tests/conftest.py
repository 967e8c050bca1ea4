"""What every test has: databases, both worlds, private servers, and no way out of this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from blockbuster import blockbuster_ctx
from sqlalchemy import create_engine, make_url, text

from rookery import app
from rookery.base.config import Config, Database
from rookery.demo import WeakServer
from rookery.mechanisms.store import migrate, open_engine
from tests import servers


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # processes under test would ignore it, too
    if not hasattr(config, "workerinput"):
        directory = Path(tempfile.mkdtemp(prefix="rookery-servers-"))
        directory.chmod(0o755)  # the unprivileged user that PostgreSQL runs as must find its way in
        servers.open_directory(directory)


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
def sqlite_rook(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    """A plain Rook on a SQLite database of the test's own."""
    with app.open(config=_config(sqlite_url, data_dir), actor="tester") as rook:
        yield rook


def _config(url: str, data_dir: Path) -> Config:
    return Config(data_dir=data_dir, database=Database(url=url))


class Call:
    """Calls dual operations in one world, on one database; a stream's rows come as a list."""

    def __init__(self, config: Config, closing: ExitStack, runner: asyncio.Runner | None) -> None:
        self._config = config
        self._closing = closing
        self._runner = runner

    def __call__(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._runner is None:
            result = operation(self.rook, *args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result
        async_rook = self.async_rook
        with blockbuster_ctx():
            return self._runner.run(_awaited(operation(async_rook, *args, **kwargs)))

    @property
    def is_async(self) -> bool:
        """Whether operations run on an event loop here."""
        return self._runner is not None

    @cached_property
    def rook(self) -> app.Rook:
        """A plain Rook, which in the async world serves to arrange and to inspect."""
        return self._closing.enter_context(app.open(config=self._config, actor="tester"))

    @cached_property
    def async_rook(self) -> app.AsyncRook:
        """The AsyncRook of the async world."""
        assert self._runner is not None
        opening = app.aopen(config=self._config, actor="tester")
        rook = self._runner.run(_awaited(opening.__aenter__()))
        self._closing.callback(lambda: self._runner and self._runner.run(_closed(opening)))
        return cast("app.AsyncRook", rook)


async def _awaited(result: Awaitable[Any] | AsyncIterator[Any]) -> Any:
    if isinstance(result, AsyncIterator):
        return [row async for row in result]
    return await result


async def _closed(opening: AbstractAsyncContextManager[Any]) -> None:
    await opening.__aexit__(None, None, None)


@pytest.fixture(
    params=[
        "sync-sqlite",
        "async-sqlite",
        pytest.param("sync-postgresql", marks=pytest.mark.postgres),
        pytest.param("async-postgresql", marks=pytest.mark.postgres),
    ]
)
def call(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Call]:
    """Call a dual operation: `call(operation, *args)`, in each world and on each database."""
    world, _, database = request.param.partition("-")
    url = request.getfixturevalue("sqlite_url" if database == "sqlite" else "postgres_url")
    with ExitStack() as closing:
        runner = closing.enter_context(asyncio.Runner()) if world == "async" else None
        yield Call(_config(url, data_dir), closing, runner)


@pytest.fixture(scope="session")
def weak_server() -> Iterator[WeakServer]:
    """A weak web server on a free port, in a thread of its own."""
    server, started, over = WeakServer(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await asyncio.to_thread(over.wait)

    def in_thread() -> None:
        with asyncio.Runner() as runner:
            runner.run(serve())

    thread = threading.Thread(target=in_thread)
    thread.start()
    started.wait()
    yield server
    over.set()
    thread.join()


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
