"""Who runs what was submitted: what every backend says, and the one whose workers look into the database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from rookery.mechanisms.tasks.events import TaskCancelled, TaskRequeued, TaskSubmitted
from rookery.mechanisms.tasks.presence import Presence, wake_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rookery.mechanisms.rook import Listener, Rook
    from rookery.mechanisms.tasks.measuring import Measures
    from rookery.mechanisms.tasks.registry import TaskTypes

Announced = TaskSubmitted | TaskRequeued


class AnyWorker(Protocol):
    """Runs tasks, whatever the backend: `run` in one thread, `stop` from any other."""

    @property
    def concurrency(self) -> int:
        """So many tasks it does at a time."""
        ...

    @property
    def presence(self) -> Presence:
        """What the database knows it by."""
        ...

    @property
    def measures(self) -> Measures:
        """What it has counted of its tasks."""
        ...

    def run(self) -> None:
        """Work until `stop()` has been called and all is recorded."""
        ...

    def stop(self) -> None:
        """Take no more tasks; at the second call, give back what runs."""
        ...


class TaskQueue(ABC):
    """A backend. What a task is, and where it stands, is in its row; this decides who runs it, and when."""

    name: ClassVar[str]

    def __init__(self, types: TaskTypes) -> None:
        self.types = types

    @property
    def hands_over(self) -> bool:
        """Whether `dispatch` hands a task over, so that its row says so from the start."""
        return False

    @abstractmethod
    def dispatch(self, rook: Rook, event: Announced) -> None:
        """A task is pending, and committed: see that somebody runs it. Raises nothing."""

    @abstractmethod
    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:
        """A task was cancelled, and it is committed: let whoever runs it know. Raises nothing."""

    def problems(self) -> tuple[str, ...]:
        """Sentences about what it needs and does not find now."""
        return ()

    def close(self) -> None:  # noqa: B027  most have opened nothing
        """Let go of what it has opened."""

    def listeners(self) -> Mapping[type, list[Listener]]:
        """What a Rook is to call after its commits."""
        return {
            TaskSubmitted: [self.dispatch],
            TaskRequeued: [self.dispatch],
            TaskCancelled: [self.interrupt],
        }


class DatabaseQueue(TaskQueue):
    """Workers look into the database, and are woken when there is something in it."""

    name = "database"

    def dispatch(self, rook: Rook, event: Announced) -> None:  # noqa: ARG002  they look for themselves
        rook.offload(wake_all, rook.data_dir)

    def interrupt(self, rook: Rook, event: TaskCancelled) -> None:  # noqa: ARG002
        rook.offload(wake_all, rook.data_dir)
