"""How batched hooks deliver, where they do not say so themselves."""

from __future__ import annotations

from dataclasses import dataclass

from rookery.mechanisms.hooks.errors import HookError
from rookery.mechanisms.hooks.marks import Batching
from rookery.mechanisms.writebehind import RetryPolicy

# A hook that refuses whole batches for good is more often broken than waiting for something: the queue's own
# patience of 30 seconds would be added to the end of every run with a bug in a hook.
RETRY = RetryPolicy(patience=5.0)


@dataclass(frozen=True, slots=True)
class HookSettings:
    """The settings of one run's hooks; the first three are `hooks.*` of the configuration.

    `pool_size` bounds how many queues deliver at the same time, `batch_size` counts items, `batch_interval`
    is in seconds (0 delivers at once), `retry` says how a failing hook is tried again, `drain_timeout` is
    how long the end of a run may wait for slow sinks, in seconds (None: as long as it takes). Raises
    HookError for a value that makes no sense.
    """

    pool_size: int = 4
    batch_size: int = 100
    batch_interval: float = 5.0
    retry: RetryPolicy = RETRY
    drain_timeout: float | None = 60.0

    def __post_init__(self) -> None:
        if self.pool_size < 1:
            raise HookError(f"hooks.pool_size is a whole number from 1, not {self.pool_size!r}")
        Batching(self.batch_size, self.batch_interval).checked("hooks")

    def size_for(self, batching: Batching) -> int:
        """The batch size of one hook, in items."""
        return self.batch_size if batching.batch_size is None else batching.batch_size

    def interval_for(self, batching: Batching) -> float:
        """The batch interval of one hook, in seconds."""
        return self.batch_interval if batching.batch_interval is None else batching.batch_interval
