"""A run's memory does not grow with its items."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SCRIPT = """
import resource, sys
from pathlib import Path
from rookery.mechanisms.hooks import hooks_from
from tests.mechanisms.runner.tools import Emits, Sighting

def discard(runner, items): ...

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)

def run(count):
    evidence = {"evidence": "x" * 2_000}
    items = (Sighting(url=f"http://host/{number}", _context=evidence) for number in range(count))
    hooks = hooks_from({"on_item": discard}, async_hooks=["discard"])
    summary = Emits(items, hooks=hooks, spool=Path(sys.argv[1])).run()
    assert (summary.counts, summary.status) == ({"sighting": count}, "success")

run(20_000)
first = peak()
run(80_000)
print(peak() - first)
"""


def test_four_times_the_items_take_hardly_more_memory(tmp_path: Path) -> None:
    """160 MB of findings through a batched hook with a spool, after 40 MB of them: the peak stays."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert int(done.stdout) < 30
