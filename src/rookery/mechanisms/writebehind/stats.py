"""What a queue has done. At every moment: accepted = delivered + coalesced + dead + queued + inflight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rookery.mechanisms.writebehind.errors import describe


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot. Counts of items unless said otherwise; since the queue was made in this process."""

    accepted: int
    """Numbered by put, or recovered."""
    coalesced: int
    """Replaced by a newer value of their key before delivery."""
    delivered: int
    dead: int
    """Refused by the sink for good: see the dead letters."""
    queued: int
    inflight: int
    """Taken by the writer and not yet settled."""
    dropped: int
    """Never accepted, because the queue was full (on_full="drop") or its disk was, inside a finaliser."""
    refused: int
    """Puts that raised QueueFull."""
    deferred: int
    """Put from inside the queue's own critical section: a finaliser, a signal handler."""
    recovered: int
    """Left by dead processes, taken over by this one."""
    corrupt: int
    """Damaged places found in recovered spools."""
    batches: int
    """Successful calls of the sink."""
    retries: int
    """Pauses after a fault of the sink."""
    splits: int
    """Refused batches that were halved."""
    restarts: int
    """Unexpected errors that the writer survived."""
    spool_bytes: int
    oldest_age: float
    """Seconds since the oldest queued item was put, at most."""
    writer_alive: bool
    last_error: str | None


@dataclass(slots=True)
class Counts:
    """The counters behind Stats. Whoever changes one holds the buffer's lock or is its only writer."""

    coalesced: int = 0
    delivered: int = 0
    dead: int = 0
    inflight: int = 0
    dropped: int = 0
    refused: int = 0
    deferred: int = 0
    recovered: int = 0
    corrupt: int = 0
    batches: int = 0
    retries: int = 0
    splits: int = 0
    restarts: int = 0
    last_error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """By the names they have in Stats."""
        return {name: getattr(self, name) for name in self.__slots__}

    def settle(self, delivered: int, dead: int) -> None:
        self.delivered += delivered
        self.dead += dead
        self.inflight -= delivered + dead

    def refuse(self, error: Exception) -> None:
        self.dropped += 1
        self.last_error = describe(error)
