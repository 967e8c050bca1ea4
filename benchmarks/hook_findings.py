"""Findings of 1 kB through a runner and its batched hook into SQLite, spool on, against other ways to do it.

Each measurement is a process of its own; the sides take turns, and the best of each counts. secator is
installed from PyPI into a virtual environment of its own in the user's cache folder, and only run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from platformdirs import user_cache_path

from benchmarks.rows import Row
from benchmarks.sides.measure import Measured

COUNT = 20_000
LONG = 500_000
ROUNDS = 5
SECATOR = Path(__file__).parent / "sides" / "findings_secator.py"
ENVIRONMENT = user_cache_path("rookery") / "benchmarks" / "secator"


def main() -> Iterator[Row]:
    yield from throughput()
    yield memory()


def throughput() -> Iterator[Row]:
    """Items stored per second, the sides taking turns."""
    python = secator_python()
    sides: dict[str, Callable[[], Measured]] = {
        "hook": lambda: ours("findings_hook"),
        "pool": lambda: ours("findings_pool"),
        "ordered": lambda: ours("findings_pool", "ordered"),
        "alone": lambda: ours("findings_pool", "ordered", "alone"),
    }
    if python is not None:
        sides["run"] = lambda: secator(python, "run")
        sides["add"] = lambda: secator(python, "add")
    best = best_of(sides)
    yield compared(
        best, "pool", "a thread-pool batcher without crash safety (random ids) behind the same runner", 1.0
    )
    yield compared(best, "ordered", "that batcher given our time-ordered ids", None)
    yield compared(best, "alone", "the same in a bare loop: no runner, no search for duplicates", None)
    if python is not None:
        version = version_of_secator(python)
        yield compared(best, "run", f"the runner of {version} with its SQLite driver", 5.0)
        yield compared(best, "add", f"the SQLite driver of {version} alone (add_result)", 5.0)


def best_of(sides: dict[str, Callable[[], Measured]]) -> dict[str, Measured]:
    rounds = [{name: side() for name, side in sides.items()} for _ in range(ROUNDS)]
    return {name: max((each[name] for each in rounds), key=lambda side: side["rate"]) for name in sides}


def compared(best: dict[str, Measured], side: str, against: str, goal: float | None) -> Row:
    ours, other = best["hook"], best[side]
    detail = (
        f"{ours['rate']:,.0f} against {other['rate']:,.0f} items/s; {ours['cpu']:.0f} against "
        f"{other['cpu']:.0f} µs CPU per item; {COUNT:,} items, best of {ROUNDS}"
    )
    return Row(
        f"async hook with spool over {against}", ours["rate"] / other["rate"], "×", goal, "more", detail
    )


def memory() -> Row:
    """The peak of a long run over that of a short one: queue and spool fill once, then nothing grows."""
    short, long = ours("findings_hook", count=COUNT)["memory"], ours("findings_hook", count=LONG)["memory"]
    detail = f"peak RSS {short:.0f} MB at {COUNT:,} items, {long:.0f} MB at {LONG:,}"
    return Row("memory of a run, long over short", long / short, "×", 1.5, "less", detail)


def ours(module: str, *arguments: str, count: int = COUNT) -> Measured:
    return answer([sys.executable, "-m", f"benchmarks.sides.{module}", str(count), *arguments], os.environ)


def secator(python: Path, way: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SECATOR_DIRS_DATA": folder, "SECATOR_OFFLINE_MODE": "1"}
        return answer([str(python), str(SECATOR), str(COUNT), folder, way], environment)


def answer(command: list[str], environment: dict[str, str] | os._Environ[str]) -> Measured:
    """The JSON on the last line of what the command prints."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return cast("Measured", json.loads(done.stdout.splitlines()[-1]))


def secator_python() -> Path | None:
    """The interpreter of an environment that has secator, made when there is none; None if that fails."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "bin" / "secator").exists():
        print("  installing secator into an environment of its own: a few minutes, once", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        pip = subprocess.run([python, "-m", "pip", "install", "secator"], capture_output=True, text=True)
        if pip.returncode:
            reason = (pip.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            print(f"  secator is left out, it cannot be installed: {reason}", flush=True)
            return None
    return python


def version_of_secator(python: Path) -> str:
    script = "from importlib.metadata import version; print('secator', version('secator'))"
    return subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
