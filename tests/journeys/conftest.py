"""The product as its user has it: the installed command, a real web server, a data directory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rookery.demo import WeakServer

Rookery = Callable[..., "subprocess.CompletedProcess[str]"]


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
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which no setting of the machine is found."""
    home = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOKERY_")}
    return {**kept, **home, "COLUMNS": "80"}


@pytest.fixture
def rookery(tmp_path: Path, environment: dict[str, str]) -> Rookery:
    """Run `rookery …` with a data directory of the test's own: `rookery("scan", url).stdout`."""

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120
        )

    return run
