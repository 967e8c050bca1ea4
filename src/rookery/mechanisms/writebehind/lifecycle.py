"""Fork and exit, for all queues of the process; they are known by weak references only."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rookery.mechanisms.writebehind.queue import BatchQueue

EXIT_SECONDS = 10.0
FORK_SECONDS = 2.0

_queues: weakref.WeakSet[BatchQueue[Any]] = weakref.WeakSet()
_quiesced: list[tuple[BatchQueue[Any], bool]] = []
_is_registered = False


def watch(queue: BatchQueue[Any]) -> None:
    """Look after a new queue; with the first one, register with the interpreter."""
    global _is_registered  # noqa: PLW0603  once per process, and not at import
    if not _is_registered:
        _is_registered = True
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )
        atexit.register(_close_all)
    _queues.add(queue)


def _before_fork() -> None:
    """Quiesce: no sink in the middle of a write (unless it takes too long), no buffer half changed."""
    deadline = time.monotonic() + FORK_SECONDS
    for queue in list(_queues):
        is_idle = queue.quiesce(max(0.0, deadline - time.monotonic()))
        _quiesced.append((queue, is_idle))  # one by one: an interrupt must not leave a lock behind


def _after_in_parent() -> None:
    while _quiesced:
        queue, was_idle = _quiesced.pop()
        queue.resume(was_idle)


def _after_in_child() -> None:
    _quiesced.clear()
    for queue in list(_queues):
        queue.begin_anew()


def _close_all() -> None:
    """At exit: deliver what fits into the time; a spool keeps the rest for the next process."""
    deadline = time.monotonic() + EXIT_SECONDS
    for queue in list(_queues):
        queue.close(max(0.0, deadline - time.monotonic()))
