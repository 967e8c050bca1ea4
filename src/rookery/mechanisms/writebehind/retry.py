"""When to try again: which errors pass by themselves, and how long to wait."""

from __future__ import annotations

import random
from dataclasses import dataclass

from rookery.mechanisms.writebehind.errors import PermanentError, TransientError

# By name, so that no driver is imported: SQLAlchemy, DB-API modules, PyMongo.
TRANSIENT_NAMES = frozenset({"OperationalError", "InterfaceError", "AutoReconnect", "ConnectionFailure"})


def is_transient(error: BaseException) -> bool:
    """Whether the fault is likely the sink's, and passing: connections, locks, timeouts, what says so
    itself.
    """
    if isinstance(error, PermanentError):
        return False
    if isinstance(error, TransientError | OSError):
        return True
    if isinstance(error, RuntimeError) and "shutdown" in str(error):
        return True  # the interpreter's: at exit no thread can be started; the next process delivers
    if getattr(error, "connection_invalidated", False):
        return True  # SQLAlchemy's word for a connection the server has ended, whatever the driver calls it
    return any(kind.__name__ in TRANSIENT_NAMES for kind in type(error).__mro__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full-jitter exponential backoff: a random time up to `first`, doubling up to `longest` seconds.

    `attempts` bounds the tries of one batch through transient errors; None tries for ever, while the spool
    and the back-pressure hold. `patience` is how many seconds a sink may refuse everything permanently
    before its items become dead letters: a whole batch refused is more likely a broken sink than a hundred
    broken items.
    """

    first: float = 0.05
    longest: float = 5.0
    attempts: int | None = None
    patience: float = 30.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the given failed attempt, counted from 1."""
        return random.uniform(0, min(self.longest, self.first * 2.0 ** min(attempt - 1, 30)))
