"""A large stored log is verified in parts, side by side: this process takes the last, a child each other.

Parts meet at checkpoints. The answer is only whether everything is as it should be; where it is not, or where
there is something to note, the log is read once more from end to end, to say what.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, closing
from itertools import pairwise
from typing import Any, Final

import msgspec

from rookery.base.structs import ready
from rookery.domains.audit.keys import Keyring, parse_public
from rookery.domains.audit.rows import PartOfLog, StoredLog
from rookery.domains.audit.verdict import Verification
from rookery.domains.audit.verification import verify

SMALLEST: Final = 100_000
"""Entries for which it is worth starting a process, which takes as long as reading them."""


class Part(msgspec.Struct):
    """A child's task: the entries after one checkpoint up to another, in the database at this URL.

    `keys` are the public keys that are trusted, as PEM.
    """

    url: str
    dialect: str
    keys: list[str]
    after: int
    upto: int


def verify_stored(log: StoredLog, keys: Keyring, url: str) -> Verification:
    """The verdict on a stored log. `url` is what its driver takes: sqlite3 a path or URI, psycopg a URL."""
    return verify_together(log, keys, url) or verify(log, keys)


def verify_together(log: StoredLog, keys: Keyring, url: str) -> Verification | None:
    """The verdict when the log is large and there is nothing to say but that all is well."""
    bounds = _bounds(log, cores())
    base, witness = log.base, log.witness
    if len(bounds) == 1 or witness is None or witness.size <= bounds[-1]:
        return None
    if base and not keys.verifies(base):
        return None
    with ExitStack() as running:
        trusted = keys.texts()
        tasks = (Part(url, log.dialect, trusted, after, upto) for after, upto in pairwise(bounds))
        children = [_child(task) for task in tasks]
        for child in children:
            running.enter_context(child)
            running.callback(child.kill)
        last = verify(PartOfLog(log.driver, log.dialect, witness, bounds[-1], None), keys)
        return _sum([*map(_answer, children), last])


def cores() -> int:
    """How many processes can run at the same time."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _bounds(log: StoredLog, processes: int) -> list[int]:
    """Where the parts begin, each at a checkpoint or at the log's own beginning."""
    start, size = log.start.size, log.size()
    parts = min(processes, (size - start) // SMALLEST)
    wanted = (start + (size - start) * part // parts for part in range(1, parts))
    found = {bound for at in wanted if (bound := log.checkpoint_from(at)) is not None and bound < size}
    return [start, *sorted(found)]


def _sum(verdicts: list[Verification | None]) -> Verification | None:
    """One verdict of all the parts, the last of which says how the log ends; None unless each is clean."""
    clean = [verdict for verdict in verdicts if verdict and verdict.is_intact and not verdict.notes]
    if len(clean) < len(verdicts):
        return None
    entries = sum(verdict.entries for verdict in clean)
    checkpoints = sum(verdict.checkpoints for verdict in clean)
    return msgspec.structs.replace(clean[-1], entries=entries, checkpoints=checkpoints)


def _child(part: Part) -> subprocess.Popen[bytes]:
    # -P: -m alone would look for every module in the current directory first, whoever may write there.
    command = [sys.executable, "-P", "-m", __name__]
    child = subprocess.Popen(  # noqa: S603  this interpreter, this module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdin is not None  # noqa: S101  for the type checker
    child.stdin.write(msgspec.json.encode(part))  # not an argument: a URL may hold a password
    child.stdin.close()
    return child


def _answer(child: subprocess.Popen[bytes]) -> Verification | None:
    """What the child found, None when it could not look."""
    assert child.stdout is not None  # noqa: S101
    output = child.stdout.read()
    return msgspec.json.decode(output, type=ready(Verification)) if child.wait() == 0 else None


def main() -> None:
    """A child: the task on standard input, the verdict on standard output."""
    part = msgspec.json.decode(sys.stdin.buffer.read(), type=ready(Part))
    with closing(_connect(part)) as driver:
        log = PartOfLog(driver, part.dialect, None, part.after, part.upto)
        keys = Keyring(parse_public(text.encode()) for text in part.keys)
        sys.stdout.buffer.write(msgspec.json.encode(verify(log, keys)))


def _connect(part: Part) -> Any:
    if part.dialect == "sqlite":
        import sqlite3

        driver = sqlite3.connect(part.url, isolation_level=None, uri=part.url.startswith("file:"))
        driver.execute("BEGIN")
        return driver
    import psycopg

    return psycopg.connect(part.url)


if __name__ == "__main__":
    main()
