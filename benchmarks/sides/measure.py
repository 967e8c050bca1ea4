"""What is measured of each side, and of what. Standard library only: it runs in other environments, too."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TypedDict


class Measured(TypedDict):
    """`rate` in stored items per second, `cpu` in microseconds per item, `memory` peak in MB."""

    stored: int
    rate: float
    cpu: float
    memory: float


def content(number: int) -> dict[str, Any]:
    """A finding of about 1 kB as JSON."""
    return {"url": f"http://127.0.0.1/path/{number}", "severity": "medium", "evidence": "x" * 800}


def measured(store: Callable[[], int]) -> Measured:
    """Call it once; it returns how many items are stored."""
    wall, cpu = time.perf_counter(), time.process_time()
    stored = store()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kB elsewhere
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return {"stored": stored, "rate": stored / wall, "cpu": cpu / stored * 1e6, "memory": memory}
