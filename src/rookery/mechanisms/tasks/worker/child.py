"""The child's side of a process task: reads its order, does it, answers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from rookery.base.errors import Unavailable
from rookery.base.structs import ready
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.errors import TaskStopped, WorkerStops
from rookery.mechanisms.tasks.outcomes import failure_of
from rookery.mechanisms.tasks.worker.job import Job
from rookery.mechanisms.tasks.worker.processes import Answer, Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.outcomes import Outcome


def serve_order(opens: Callable[[str], Rook]) -> None:
    """Do what standard input says, with the Rook that these settings open.

    Whatever the function prints goes to standard error. What cannot be opened now may be later.
    """
    tell = _answering()
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=ready(Order))
    context = TaskContext(
        order.task.id,
        order.task.attempt,
        folder=order.folder,
        actor=order.task.actor,
        parent_id=order.task.parent_id,
        on_progress=lambda progress: tell(Answer(progress=progress)),
    )
    _end_with_parent(sys.stdin.fileno(), context)
    try:
        opened = opens(order.config)
    except Unavailable as error:  # which retries it has is for the worker to say: the types are in the Rook
        tell(Answer(failure=failure_of(error)))
    else:
        with opened as rook:
            done = _done(rook.acting_as(context.actor), order, context)
        tell(Answer(status=done.status, result=done.result, failure=done.failure, delay=done.delay))


def _answering() -> Callable[[Answer], None]:
    """What writes to standard output, which nobody else does from here on."""
    answers, one_at_a_time = os.dup(sys.stdout.fileno()), threading.Lock()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def tell(answer: Answer) -> None:
        line = msgspec.json.encode(answer) + b"\n"
        with one_at_a_time:
            while line:
                line = line[os.write(answers, line) :]

    return tell


def _end_with_parent(pipe: int, context: TaskContext) -> None:
    """Kill all that belongs to the task as soon as nobody holds the other end of this pipe any more."""

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        context.kill()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="rookery-leash", daemon=True).start()


def _done(rook: Rook, order: Order, context: TaskContext) -> Outcome:
    """Until here and from then on a SIGTERM is the end of the process, or of nothing."""
    job = Job(order.task, rook.queue.types[order.task.type], context)
    signal.signal(signal.SIGTERM, partial(_stop, context))
    try:
        return job.attempt(partial(job.kind.function, rook, context))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _stop(context: TaskContext, *_signal: Any) -> None:
    """The worker wants it to end, and knows why; or somebody else does, and another worker goes on."""
    if context.reason is None:
        context.stop(WorkerStops())
        raise TaskStopped
