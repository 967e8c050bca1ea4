"""Functions that get a process of their own, which can be killed with all that it has started.

The worker writes what is to be done to the child's standard input, one line, and keeps it open: when the
worker dies, the child sees its end and kills its own process group. The child answers with lines on its
standard output: progress, and how it ended.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

import msgspec

from rookery.base.errors import RookeryError, TemporaryError
from rookery.base.structs import ready
from rookery.mechanisms.tasks.claiming import Claimed
from rookery.mechanisms.tasks.context import Progress
from rookery.mechanisms.tasks.outcomes import Outcome, TaskFailure
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.worker.job import Batch, Job, Over


class ChildDied(RookeryError):
    """The task's process ended without an answer."""


class ChildNotReady(TemporaryError):
    """The task's process could not begin."""


class Order(msgspec.Struct, frozen=True):
    """What a child is to do, and with which settings: on a pipe, since they may hold secrets."""

    task: Claimed
    folder: str
    config: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a child: how far it is; with a status, how it ended; with a failure alone, why it has not
    begun."""

    progress: tuple[int | None, int | None, str] | None = None
    status: TaskStatus | None = None
    result: str | None = None
    failure: TaskFailure | None = None
    delay: float = 0.0


class Processes:
    """A process for each job. `command` starts a child that calls `serve_order` with this `config`."""

    def __init__(self, command: Sequence[str], config: str) -> None:
        self._command, self._config = tuple(command), config

    def start(self, batch: Batch, over: Over) -> None:
        """Begin with the one job there is. Raises OSError when there can be no more processes."""
        job = batch.next()
        assert job is not None  # noqa: S101  a process is shared by none
        child = subprocess.Popen(  # noqa: S603  our own
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        job.context.adopt(child.pid)
        job.begin()

        def attend() -> None:
            self._attend(job, child)
            over(batch)

        threading.Thread(target=attend, name="rookery-task-process", daemon=True).start()

    def interrupt(self, job: Job) -> None:
        """Its process group has had a SIGTERM from its context."""

    def abandon(self, job: Job) -> None:
        """Its process group has had a SIGKILL from its context."""

    def close(self) -> None:
        """Each child ends with its job."""

    def _attend(self, job: Job, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None  # noqa: S101
        listening = threading.Thread(target=_listen, args=(job, child.stdout), daemon=True)
        listening.start()
        with suppress(BrokenPipeError), child:
            self._give_order(job, child)
            os.waitid(
                os.P_PID, child.pid, os.WEXITED | os.WNOWAIT
            )  # until it is reaped, its number is its own
            job.context.kill()  # what the function left behind ends with it, and lets go of the pipe
            job.context.release(child.pid)
            listening.join()
        if job.outcome is None:
            job.outcome = job.raised(
                ChildDied(f"{ChildDied.__doc__} Its exit status was {child.returncode}.")
            )
        job.end()

    def _give_order(self, job: Job, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None  # noqa: S101
        order = Order(job.task, str(job.context.folder), self._config)
        with suppress(BrokenPipeError):  # it has died
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            child.stdin.flush()


def _listen(job: Job, lines: IO[bytes]) -> None:
    for line in lines:
        try:
            answer = msgspec.json.decode(line, type=ready(Answer))
        except msgspec.DecodeError:
            continue  # somebody else writes there
        if answer.progress is not None:
            job.context.progress = Progress(*answer.progress)
        if answer.status is not None:
            job.outcome = _outcome(job, answer.status, answer)
        elif answer.failure is not None:
            job.outcome = job.raised(ChildNotReady(f"{ChildNotReady.__doc__} {answer.failure.message}"))


def _outcome(job: Job, status: TaskStatus, answer: Answer) -> Outcome:
    if job.context.reason is not None and status is not TaskStatus.COMPLETED:
        return job.raised(job.context.reason)
    return Outcome(job.task, status, answer.result, answer.failure, answer.delay)
