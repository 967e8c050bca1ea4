"""Start-up: what `rookery --help` and `import rookery` cost, beside bare Python and beside eager imports.

Each figure is the least of several fresh processes: user and system time, which a busy machine changes
little, and for the help text also the time on the wall.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.rows import Row

PROCESSES = 15

BARE = "pass"
IMPORT = "import rookery"
HELP = "import sys; sys.argv = ['rookery', '--help']; from rookery.__main__ import main; main()"
EAGER = (
    "from importlib import import_module; from rookery.faces.cli.main import COMMANDS\n"
    "for entry in COMMANDS.values(): import_module(entry.home.partition(':')[0])\n"
    "import rookery.app\n"
)


class Cost(NamedTuple):
    """Milliseconds of one process."""

    cpu: float
    wall: float


def cost(code: str) -> Cost:
    """The least of several runs, each figure for itself."""
    runs = [_run(code) for _ in range(PROCESSES)]
    return Cost(min(run.cpu for run in runs), min(run.wall for run in runs))


def _run(code: str) -> Cost:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(spent * 1000, (end - start) * 1000)


def main() -> Iterator[Row]:
    """The help text, then the import."""
    bare, lazy, eager, imported = cost(BARE), cost(HELP), cost(EAGER + HELP), cost(IMPORT)
    beside = f"bare python {bare.cpu:.0f} ms, every command imported {eager.cpu:.0f} ms"
    yield Row("rookery --help, CPU", lazy.cpu, "ms", 150, "less", beside)
    beside = f"bare python {bare.wall:.0f} ms, every command imported {eager.wall:.0f} ms"
    yield Row("rookery --help, wall", lazy.wall, "ms", 150, "less", beside)
    yield Row("eager over lazy --help, CPU", eager.cpu / lazy.cpu, "×", None, "more", "the same, as a ratio")
    yield Row("import rookery, CPU", imported.cpu, "ms", 80, "less", f"bare python {bare.cpu:.0f} ms")
