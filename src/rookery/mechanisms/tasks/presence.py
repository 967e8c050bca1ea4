"""Who is alive on this machine: for each worker a file that the kernel unlocks when its process is gone.

`<data_dir>/workers/ID.lock` is locked (flock) while the worker lives; into the pipe `ID.wake` anybody writes
to wake it. Nobody can see the locks of another machine: there the lease decides.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rookery.base.ids import new_id
from rookery.mechanisms.store import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK, WAKE = ".lock", ".wake"
CLOSED = -1

NEWS, OWN = b"n", b"o"
"""What is written: others say that there is something to do, or to stop; the worker's own threads wake it."""


CHANNEL = "rookery_task"
"""What workers listen to on PostgreSQL."""


class Presence:
    """A worker's own two files. Use as a context manager; left by an exception, it is found dead."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "workers"
        self.id = new_id()
        self._pipe = CLOSED
        self._nudging = threading.RLock()  # a signal handler may nudge what is just ending

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unborn = self._path(".new")  # locked before it has its name: nobody takes it for a dead one's
        self._lock = os.open(unborn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unborn.rename(self._path(LOCK))
        os.mkfifo(self._path(WAKE), 0o600)
        # Open both ways: with no writer left, a reader would never sleep again.
        self._pipe = os.open(self._path(WAKE), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        if kind is None:
            bury(self.folder.parent, self.id)
        with self._nudging:  # afterwards its number may be another file's
            pipe, self._pipe = self._pipe, CLOSED
            os.close(pipe)
        os.close(self._lock)

    def watch(self, descriptor: int) -> None:
        """Be woken by this descriptor, too, when there is something to read from it."""
        self._poll.register(descriptor, select.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Not any more."""
        with suppress(KeyError, ValueError):
            self._poll.unregister(descriptor)

    def sleep(self, seconds: float) -> bool:
        """Until this worker is woken; whether it was by somebody else, and not by itself alone."""
        ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        said = b""
        if self._pipe in ready:
            with suppress(BlockingIOError):
                said = os.read(self._pipe, 1 << 16)
        return NEWS in said or bool(ready - {self._pipe})

    def nudge(self) -> None:
        """Wake this worker, from any thread or signal handler of its own; in vain when it has ended."""
        with self._nudging, suppress(BlockingIOError):  # it is full: there is enough to wake up for
            if self._pipe != CLOSED:
                os.write(self._pipe, OWN)

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.id}{suffix}"


def notify(connection: Connection) -> None:
    """Wake the workers of all machines, with the commit. On SQLite there is one machine, and `wake_all`."""
    if not sql.is_sqlite(connection):
        sql.run(connection, f"NOTIFY {CHANNEL}")


def wake_all(data_dir: Path) -> int:
    """Wake every worker of this data directory; how many those were."""
    folder = f"{data_dir}/workers"  # each submission does this: pathlib takes ten times as long
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except FileNotFoundError:
        return 0
    return sum(_wake(f"{folder}/{name}") for name in names if name.endswith(WAKE))


def _wake(path: str) -> bool:
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # ENXIO: nobody reads; or it has just ended
        return False
    try:
        os.write(pipe, NEWS)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(pipe)
    return True


def dead_workers(data_dir: Path) -> list[str]:
    """The workers of this data directory whose process has died without a farewell."""
    return [path.stem for path in (data_dir / "workers").glob("*" + LOCK) if _is_free(path)]


def bury(data_dir: Path, worker_id: str) -> None:
    """Remove the files of a dead worker, whose tasks have been taken from it."""
    for suffix in (WAKE, LOCK):
        (data_dir / "workers" / f"{worker_id}{suffix}").unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
