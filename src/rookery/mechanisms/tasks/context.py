"""What a task function is given to speak with its worker: how far it is, whether it should stop."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rookery.base.redact import redact_text
from rookery.mechanisms.tasks.errors import TaskStopped
from rookery.mechanisms.tasks.rules import storable

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_MESSAGE = 500
LARGEST_NUMBER = 2**63 - 1


class Progress(NamedTuple):
    """So much is done, of so much (None: nobody knows), and what is being done."""

    done: int | None = None
    total: int | None = None
    message: str = ""


class TaskContext:
    """One attempt at one task. Safe to use from several threads.

    `artifacts` is the folder for the files of the task, `folder`, made when it is first asked for; `stopping`
    is set when the task is to stop, for functions that wait for something.
    """

    def __init__(
        self,
        task_id: str,
        attempt: int = 1,
        *,
        folder: str | Path,
        actor: str = "system",
        parent_id: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.task_id, self.attempt = task_id, attempt
        self.actor, self.parent_id = actor, parent_id
        self.progress = Progress()
        self._folder = folder
        self._stopping: threading.Event | None = None
        self._on_progress = on_progress
        self._groups: set[int] = set()
        self._lock = threading.RLock()  # a signal handler may stop what is just adopting
        self._reason: BaseException | None = None

    def report(self, done: int | None = None, total: int | None = None, message: str = "") -> None:
        """Say how far it is. Raises TaskStopped, as `check` does: whoever reports can be stopped."""
        said = redact_text(storable(message))[:LONGEST_MESSAGE]
        self.progress = Progress(_number(done), _number(total), said)
        if self._on_progress is not None:
            self._on_progress(self.progress)
        self.check()

    def check(self) -> None:
        """Raise TaskStopped when the task is to stop. It is no Exception: let it pass."""
        if self._reason is not None:
            raise TaskStopped(str(self._reason))

    @property
    def reason(self) -> BaseException | None:
        """Why the task is to stop, if it is."""
        return self._reason

    @property
    def stopping(self) -> threading.Event:
        """Set when the task is to stop."""
        with self._lock:
            if self._stopping is None:  # few ask for one
                self._stopping = threading.Event()
                if self._reason is not None:
                    self._stopping.set()
            return self._stopping

    @property
    def folder(self) -> Path:
        """Where the task may leave files; it need not be there."""
        return Path(self._folder)

    @property
    def artifacts(self) -> Path:
        """The folder for the files of this task."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder

    def adopt(self, process_group: int) -> None:
        """Have this process group (of a subprocess started in a session of its own) end with the task."""
        with self._lock:
            self._groups.add(process_group)
            is_late = self._reason is not None
        if is_late:
            self.kill()

    def release(self, process_group: int) -> None:
        """It has ended: its number may soon be another's."""
        with self._lock:
            self._groups.discard(process_group)

    def stop(self, reason: BaseException) -> None:
        """Called by the worker: from now on `check` raises, and adopted processes are asked to end."""
        with self._lock:
            if self._reason is None:
                self._reason = reason
            if self._stopping is not None:
                self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End what was adopted, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            groups = tuple(self._groups)
        for group in groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


def _number(value: int | None) -> int | None:
    """A count as both databases hold it."""
    return None if value is None else max(-LARGEST_NUMBER, min(int(value), LARGEST_NUMBER))
