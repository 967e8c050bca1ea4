"""How many jobs an RqWorker has under way."""

from __future__ import annotations

from queue import SimpleQueue


class Load:
    """One thread begins jobs and waits; any other, and a signal handler, ends one or wakes who waits."""

    def __init__(self) -> None:
        self.under_way = 0
        self._ended: SimpleQueue[int] = SimpleQueue()

    def begin(self) -> None:
        """One more."""
        self.under_way += 1

    def wait(self) -> None:
        """Until one has ended, or somebody has called `wake`."""
        self.under_way -= self._ended.get()

    def end(self) -> None:
        """One fewer."""
        self._ended.put(1)

    def wake(self) -> None:
        """There is something else to look at."""
        self._ended.put(0)
