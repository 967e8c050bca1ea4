"""Fork, exit, signals and the garbage collector: each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

PREAMBLE = """
import os, sys, threading, time
from pathlib import Path
from rookery.mechanisms.writebehind import Batch, BatchQueue, QueueClosed
folder = Path(sys.argv[1])
def append(batch):
    with open(folder / "out", "ab") as file:
        file.write(b"".join(item + b"\\n" for item in batch))
"""


def run(tmp_path: Path, script: str) -> list[str]:
    """Run the script to its end; the lines its sinks wrote."""
    arguments = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PREAMBLE + script, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "out"
    return out.read_text().split() if out.exists() else []


@pytest.mark.parametrize("with_spool", [True, False])
def test_leaving_the_program_delivers_what_is_queued(tmp_path: Path, with_spool: bool) -> None:
    spool = "folder / 'spool'" if with_spool else "None"
    script = f"""
queue = BatchQueue(append, name="t", spool={spool}, batch_interval=3600)
for number in range(500):
    queue.put(b"%d" % number)
"""
    assert run(tmp_path, script) == [str(number) for number in range(500)]


def test_a_put_in_an_exit_handler_is_delivered_too(tmp_path: Path) -> None:
    """Handlers run last-in first-out: one that was registered after the queue was made still may put."""
    script = """
import atexit
queue = BatchQueue(append, name="t")
queue.put(b"before")
atexit.register(lambda: queue.put(b"at-exit"))
"""
    assert run(tmp_path, script) == ["before", "at-exit"]


def test_without_any_thread_left_to_start_exit_delivers_in_line(tmp_path: Path) -> None:
    """From Python 3.12 on no thread can be started at exit; here none can be started ever."""
    script = """
queue = BatchQueue(append, name="t")
import _thread
def refuse(*_): raise RuntimeError("can't create new thread at interpreter shutdown")
_thread.start_new_thread = refuse
queue.put(b"x")
queue.put(b"y")
"""
    assert run(tmp_path, script) == ["x", "y"]


def test_a_sink_that_is_down_cannot_hold_up_the_exit_for_ever(tmp_path: Path) -> None:
    script = """
from rookery.mechanisms.writebehind import lifecycle
import logging; logging.disable()
lifecycle.EXIT_SECONDS = 0.2
def down(batch): raise ConnectionError
queue = BatchQueue(down, name="t", spool=folder / "spool")
queue.put(b"x")
"""
    run(tmp_path, script)
    assert list(tmp_path.glob("spool/*/*.seg"))


def test_a_sink_that_needs_threads_when_there_are_no_more_loses_nothing_at_exit(tmp_path: Path) -> None:
    """What the interpreter refuses at its end says nothing against the items: they stay in the spool."""
    script = """
from rookery.mechanisms.writebehind import lifecycle
import asyncio, logging; logging.disable()
lifecycle.EXIT_SECONDS = 0.2
async def sink(batch): await asyncio.to_thread(append, batch)
queue = BatchQueue(sink, name="t", spool=folder / "spool", batch_interval=3600)
queue.put(b"x")
"""
    assert run(tmp_path, script) == []
    assert not (tmp_path / "spool" / "dead.jsonl").exists()
    assert run(tmp_path, 'BatchQueue(append, name="t", spool=folder / "spool").close()') == ["x"]


def test_a_forked_child_has_an_empty_queue_and_a_stream_of_its_own(tmp_path: Path) -> None:
    script = """
queue = BatchQueue(append, name="t", spool=folder / "spool", batch_interval=3600)
queue.put(b"parent")
stream = queue.stream
pid = os.fork()
if pid == 0:
    assert queue.stats.queued == 0 and queue.stream != stream
    queue.put(b"child")
    assert queue.close(20)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert queue.stream == stream
assert queue.close(20)
"""
    assert run(tmp_path, script) == ["child", "parent"]


def test_a_fork_waits_for_the_sink_so_that_no_lock_is_copied_in_the_middle_of_a_write(tmp_path: Path) -> None:
    script = """
lock = threading.Lock()
def sink(batch):
    with lock:  # as a database driver holds one inside
        time.sleep(0.01)
        append(batch)
queue = BatchQueue(sink, name="t", batch_size=1, batch_interval=0)
children = []
for number in range(8):
    for item in range(5):
        queue.put(b"p")
    pid = os.fork()
    if pid == 0:
        queue.put(b"c")
        os._exit(0 if queue.close(20) else 1)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
assert queue.close(20)
"""
    lines = run(tmp_path, script)
    assert (lines.count("p"), lines.count("c")) == (40, 8)


def test_forks_beside_busy_producers_neither_hang_nor_lose(tmp_path: Path) -> None:
    script = """
queue = BatchQueue(append, name="t", spool=folder / "spool", capacity=500, batch_size=50)
def produce(name):
    for number in range(2000):
        queue.put(b"%s%d" % (name, number))
threads = [threading.Thread(target=produce, args=(name,)) for name in (b"a", b"b", b"c")]
for thread in threads: thread.start()
children = []
for number in range(6):
    pid = os.fork()
    if pid == 0:
        for item in range(100):
            queue.put(b"child%d-%d" % (number, item))
        os._exit(0 if queue.close(20) else 1)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
for thread in threads: thread.join()
assert queue.close(20)
"""
    lines = run(tmp_path, script)
    assert len(lines) == len(set(lines)) == 3 * 2000 + 6 * 100


def test_a_closed_queue_stays_closed_in_a_child(tmp_path: Path) -> None:
    script = """
queue = BatchQueue(append, name="t")
assert queue.close(20)
pid = os.fork()
if pid == 0:
    try:
        queue.put(b"x")
    except QueueClosed:
        os._exit(0)
    os._exit(1)
assert os.waitpid(pid, 0)[1] == 0
"""
    assert run(tmp_path, script) == []


def test_a_child_that_ends_leaves_the_parents_spool_locked(tmp_path: Path) -> None:
    script = """
queue = BatchQueue(append, name="t", spool=folder / "spool", batch_interval=3600)
queue.put(b"parent")
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
with BatchQueue(append, name="t", spool=folder / "spool") as other:
    assert other.flush(20)
    assert other.stats.recovered == 0
assert queue.close(20)
"""
    assert run(tmp_path, script) == ["parent"]


def test_finalisers_that_put_in_the_middle_of_a_put_neither_deadlock_nor_lose(tmp_path: Path) -> None:
    """The collector runs anywhere, inside the critical section too, and its finalisers put."""
    script = """
import gc
gc.set_threshold(7)
queue = BatchQueue(append, name="t", spool=folder / "spool", batch_size=50, capacity=100_000)
deaths = []
class Dying:
    def __init__(self, name): self.name, self.me = name, self
    def __del__(self):
        queue.put(b"d" + self.name)
        deaths.append(1)
def produce(name):
    for number in range(3000):
        Dying(b"%s%d" % (name, number))
        queue.put(b"p%s%d" % (name, number))
threads = [threading.Thread(target=produce, args=(name,)) for name in (b"a", b"b", b"c")]
for thread in threads: thread.start()
for thread in threads: thread.join()
while len(deaths) < 9000:  # a collection that is running elsewhere makes collect() return at once
    gc.collect()
assert queue.close(20)
stats = queue.stats
assert stats.accepted == stats.delivered == 18000, stats
"""
    lines = run(tmp_path, script)
    assert len(lines) == len(set(lines)) == 18_000


def test_a_signal_handler_may_put_at_any_moment(tmp_path: Path) -> None:
    script = """
import signal
queue = BatchQueue(append, name="t", spool=folder / "spool", capacity=1_000_000)
import itertools
numbers = itertools.count(1)
def handler(*_):
    queue.put(b"s%d" % next(numbers))
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(60_000):
    queue.put(b"p%d" % number)
signal.setitimer(signal.ITIMER_REAL, 0)
assert queue.close(20)
assert queue.stats.delivered == 60_000 + next(numbers) - 1, queue.stats
"""
    lines = run(tmp_path, script)
    assert len(lines) == len(set(lines)) > 60_000


def test_an_interrupted_producer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Ctrl-C raises anywhere inside put, again and again; what put returned is delivered, once."""
    script = """
import signal
def interrupt(*_): raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
queue = BatchQueue(append, name="t", spool=folder / "spool", capacity=1_000_000)
acknowledged, number, interrupts = [], 0, 0
end = time.monotonic() + 1.0
while time.monotonic() < end:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0007)
        while True:
            number += 1
            queue.put(b"%d" % number)
            acknowledged.append(number)
    except KeyboardInterrupt:
        interrupts += 1
signal.setitimer(signal.ITIMER_REAL, 0)
assert interrupts > 100
assert queue.flush(20), queue.stats
(folder / "acknowledged").write_text(" ".join(map(str, acknowledged)))
"""
    lines = run(tmp_path, script)
    assert len(lines) == len(set(lines))
    assert set((tmp_path / "acknowledged").read_text().split()) <= set(lines)


def test_a_put_interrupted_while_it_names_its_folder_does_not_close_it_to_those_that_follow(
    tmp_path: Path,
) -> None:
    script = """
rename = Path.rename
def interrupted(path, target):
    rename(path, target)
    Path.rename = rename
    raise KeyboardInterrupt
Path.rename = interrupted
queue = BatchQueue(append, name="t", spool=folder / "spool")
try:
    queue.put(b"interrupted")
except KeyboardInterrupt:
    queue.put(b"next")
assert queue.flush(20), queue.stats
"""
    assert run(tmp_path, script) == ["next"]


def test_importing_the_package_starts_nothing_and_loads_neither_asyncio_nor_sqlalchemy(
    tmp_path: Path,
) -> None:
    script = """
heavy = {"asyncio", "sqlalchemy", "msgspec"} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == 1
"""
    assert run(tmp_path, script) == []
