"""Backing up many devices, by all of our pipeline, beside asyncssh alone, netmiko in 50 threads, and RANCID.

The devices are simulated by a process of their own, on the other core. CPU per device is the sound figure:
wall time is the devices'.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from benchmarks.sides.devices import rancid

SIDE = "benchmarks.sides.devices.side"
COUNT, LINES = 200, 2_000
CONCURRENCY = 50
LATENCY = 2.3
ROUNDS = 3
RANCID_COUNT = 50  # it takes a fifth of a second for each

Cost = dict[str, float]


@contextmanager
def fleet(count: int, lines: int = LINES, latency: float = 0.0) -> Iterator[list[str]]:
    """The ports of so many devices."""
    command = [sys.executable, "-m", "benchmarks.sides.devices.fleet", str(count), str(lines), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.kill()


def cost(who: str, ports: list[str], concurrency: int = CONCURRENCY) -> Cost:
    """What it costs one side to back them up, per device; `failed` of them gave nothing."""
    done = subprocess.run(
        [sys.executable, "-m", SIDE, who, str(concurrency), *ports],
        capture_output=True,
        text=True,
        check=True,
    )
    found: Any = json.loads(done.stdout.splitlines()[-1])
    return {
        "cpu": found["cpu"] / len(ports) * 1000,
        "per_minute": len(ports) / found["wall"] * 60,
        "peak": found["peak"],
        "failed": len(ports) - found["done"],
    }


def best(who: str, ports: list[str]) -> Cost:
    """The round with the least CPU."""
    return min((cost(who, ports) for _ in range(ROUNDS)), key=lambda each: each["cpu"])


def main() -> Iterator[Row]:
    """Quick devices, slow ones, one that is large."""
    yield from quick()
    yield from slow()
    with fleet(10, 40_000) as ports:
        large = best("rookery", ports)
    yield Row("CPU of a 40,000-line configuration", large["cpu"], "ms", 60, "less", "the whole pipeline")


def quick() -> Iterator[Row]:
    """Without latency: what the work itself costs."""
    with fleet(COUNT) as ports:
        mine, raw = best("rookery", ports), best("asyncssh", ports)
        detail = f"asyncssh alone {raw['cpu']:.1f} ms; {mine['failed']:.0f} failed"
        yield Row(f"CPU per device, {LINES:,} lines, whole pipeline", mine["cpu"], "ms", 15, "less", detail)
        yield Row("devices per minute", mine["per_minute"], "/min", 3_000, "more", f"{CONCURRENCY} at a time")
        yield from beside_netmiko(ports, mine)
        yield from beside_rancid(ports[:RANCID_COUNT])


def beside_netmiko(ports: list[str], mine: Cost) -> Iterator[Row]:
    """The same work on both sides: all of it, and only what netmiko itself does."""
    kept, collect, theirs = (best(who, ports) for who in ("netmiko-kept", "rookery-collect", "netmiko"))
    yield over("netmiko and a script that keeps what comes", kept, mine, 2)
    yield over("netmiko, both only collecting", theirs, collect, None)
    yield over("netmiko, which only collects, by the whole pipeline", theirs, mine, None)


def beside_rancid(ports: list[str]) -> Iterator[Row]:
    """Runs in which nothing has changed, on both sides."""
    older = of_rancid(ports)
    if older:
        yield over("RANCID, nothing changed", older, best("rookery-again", ports), 20)


def over(whom: str, theirs: Cost, mine: Cost, goal: float | None) -> Row:
    """How many times as many devices per CPU second."""
    detail = f"ours {mine['cpu']:.1f}, theirs {theirs['cpu']:.1f} ms; {theirs['failed']:.0f} of theirs failed"
    return Row(f"devices per CPU second over {whom}", theirs["cpu"] / mine["cpu"], "×", goal, "more", detail)


def of_rancid(ports: list[str]) -> Cost | None:
    """The same of RANCID, all of its processes together; None where it is not installed."""
    if not rancid.is_installed():
        print("  without RANCID, which apt-get install rancid brings", flush=True)
        return None
    with tempfile.TemporaryDirectory() as home:
        group = rancid.Rancid(Path(home), ports, CONCURRENCY)
        group.run()
        return min((group.run() for _ in range(ROUNDS)), key=lambda each: each["cpu"])


def slow() -> Iterator[Row]:
    """All at once, each taking 2.3 s: does the cost of each stay what it is?"""
    costs = {}
    for count in (50, 500):
        with fleet(count, latency=LATENCY) as ports:
            costs[count] = cost("rookery", ports, concurrency=count)
            on_loop = cost("rookery-async", ports, concurrency=count)
    few, many = costs[50], costs[500]
    seconds = 500 / many["per_minute"] * 60
    detail = f"{few['cpu']:.1f} ms with 50, {many['cpu']:.1f} ms with 500, in {seconds:.1f} s"
    yield Row(
        "CPU per device with 500 at once, of that with 50", many["cpu"] / few["cpu"], "×", 1.2, "less", detail
    )
    yield Row("the same: devices that failed", many["failed"], "", 0, "less", "of 500")
    yield Row("the same: memory, 500 threads", many["peak"], "MB", 150, "less", "peak of the process")
    yield Row("the same: memory, async code", on_loop["peak"], "MB", 150, "less", "peak of the process")
