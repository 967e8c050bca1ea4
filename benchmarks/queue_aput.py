"""aput against run_in_executor(put), and what a full queue does to the event loop."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row
from rookery.mechanisms.writebehind import BatchQueue

RECORD = b"r" * 300
ROUNDS, PUTS, EXECUTOR_PUTS = 7, 2_000, 500
SLOW_SINK_SECONDS = 0.05
PRODUCERS, PUTS_WHEN_FULL = 8, 300


async def seconds_per_put(folder: Path) -> tuple[float, float]:
    """Medians of interleaved rounds: aput, and put in the default executor."""
    loop, direct, offloaded = asyncio.get_running_loop(), [], []
    queue: BatchQueue[bytes] = BatchQueue(lambda _: None, name="bench", capacity=100_000, spool=folder)
    async with queue:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for _ in range(PUTS):
                await queue.aput(RECORD)
            direct.append((time.perf_counter() - started) / PUTS)
            started = time.perf_counter()
            for _ in range(EXECUTOR_PUTS):
                await loop.run_in_executor(None, queue.put, RECORD)
            offloaded.append((time.perf_counter() - started) / EXECUTOR_PUTS)
    return statistics.median(direct), statistics.median(offloaded)


async def longest_stall(folder: Path) -> float:
    """Seconds by which a timer of 1 ms was late at worst, while the queue was full nearly all the time."""
    stalls: list[float] = []
    queue: BatchQueue[bytes] = BatchQueue(
        lambda _: time.sleep(SLOW_SINK_SECONDS), name="bench", batch_size=100, capacity=500, spool=folder
    )

    async def watch() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            stalls.append(time.perf_counter() - started - 0.001)

    async def produce() -> None:
        for _ in range(PUTS_WHEN_FULL):
            await queue.aput(RECORD)

    watcher = asyncio.create_task(watch())
    async with queue:
        await asyncio.gather(*(produce() for _ in range(PRODUCERS)))
    watcher.cancel()
    return max(stalls)


def main() -> list[Row]:
    """The ratio of the costs, and the worst stall of the best of three runs."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory(prefix="rookery-bench-") as folder:
        direct, offloaded = runner.run(seconds_per_put(Path(folder)))
        stall = min(runner.run(longest_stall(Path(folder))) for _ in range(3))
    costs = f"aput {direct * 1e6:.2f} µs, run_in_executor(put) {offloaded * 1e6:.0f} µs"
    full = f"{PRODUCERS} tasks, capacity 500, a sink of {SLOW_SINK_SECONDS * 1000:.0f} ms per 100"
    return [
        Row("aput is cheaper than run_in_executor(put)", offloaded / direct, "×", 15, "more", costs),
        Row("longest stall of the loop, queue full", stall * 1000, "ms", 10, "less", full),
    ]
