"""Looking at stored configurations: differences, lists of versions, and a search through all of them.

difflib is what Python has for differences; on the large pair it would take minutes, so it is given a tenth.
"""

from __future__ import annotations

import difflib
import random
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.sides.devices.fleet import configuration
from rookery import app
from rookery.base.clock import now_us
from rookery.base.config import Config
from rookery.base.ids import new_id
from rookery.domains.backups import store
from rookery.domains.backups.diffing import diff, unified

LINES, EDITS = 20_000, 4_000
DEVICES, DEVICE_LINES = 10_000, 2_000
VERSIONS = 5_000
ROUNDS = 3


def main() -> Iterator[Row]:
    """Differences, then a database of configurations."""
    yield from differences()
    with tempfile.TemporaryDirectory() as folder, app.open(config=Config(data_dir=Path(folder))) as rook:
        yield from listing(rook)
        yield from searching(rook)


def best(act: Callable[[], object]) -> float:
    """The shortest of a few times, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def edited(lines: list[str], edits: int) -> list[str]:
    """The same with so many lines changed, inserted or deleted, at random."""
    chance = random.Random(1)
    new = list(lines)
    for number in range(edits):
        at = chance.randrange(len(new))
        kind = chance.choice(("change", "change", "insert", "delete"))
        if kind == "delete":
            del new[at]
        else:
            new[at : at + (kind == "change")] = [f" edited {number}"]
    return new


def differences() -> Iterator[Row]:
    """Ours on the large pair, and both on a tenth of it."""
    old = configuration("r1", LINES).split("\n")
    new = edited(old, EDITS)
    large = best(lambda: diff(old, new))
    written = best(lambda: list(unified(diff(old, new), "old", "new")))
    small = old[: LINES // 10], edited(old[: LINES // 10], EDITS // 10)
    mine, theirs = best(lambda: diff(*small)), best(lambda: list(difflib.unified_diff(*small)))
    detail = f"{written:.0f} ms with what differs within lines, as text"
    yield Row(f"diff of {LINES:,} lines with {EDITS:,} edits", large, "ms", 150, "less", detail)
    detail = f"ours {mine:.1f}, difflib {theirs:.0f} ms"
    yield Row("the same over difflib, on a tenth of it", theirs / mine, "×", None, "more", detail)


def stored(rook: app.Rook, device_id: str, name: str, number: int, content: bytes) -> None:
    """One version, as it is kept."""
    moment = now_us()
    version = {
        "id": new_id(), "device_id": device_id, "device": name, "number": number, "platform": "ios",
        "taken_us": moment, "seen_us": moment, "digest": "", "lines": DEVICE_LINES, "size": len(content),
        "added": 1, "removed": 1, "actor": "bench", "content": content, "raw": b"",
    }  # fmt: skip
    store.add(rook, version)


def listing(rook: app.Rook) -> Iterator[Row]:
    """The versions of a device that has many."""
    device = rook.devices.create("many", "10.0.0.1", "ios")
    content = zlib.compress(configuration("many", DEVICE_LINES).encode(), 1)
    for number in range(1, VERSIONS + 1):
        stored(rook, device.id, "many", number, content)
    found = best(lambda: rook.backups.versions("many", limit=100))
    claim = f"list of the newest 100 of {VERSIONS:,} versions"
    yield Row(claim, found, "ms", 20, "less", "Oxidized walks a Git repository")


def searching(rook: app.Rook) -> Iterator[Row]:
    """A line that one device has, and that many have none of."""
    for number in range(DEVICES):
        name = f"r{number}"
        device = rook.devices.create(name, "10.0.0.1", "ios")
        text = configuration(name, DEVICE_LINES)
        stored(rook, device.id, name, 1, zlib.compress(text.encode(), 1))
    found = best(lambda: rook.backups.grep(r"^hostname r77$")) / 1000
    claim = f"grep over {DEVICES:,} configurations of {DEVICE_LINES:,} lines"
    yield Row(claim, found, "s", 2, "less", "one device has it")
