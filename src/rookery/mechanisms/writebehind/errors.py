"""What can go wrong in a write-behind queue.

RookeryError
├── Invalid ── ItemTooLarge          the item exceeds what one record may hold
├── Unavailable
│   ├── QueueFull                    no room, and waiting is not allowed here
│   ├── SpoolFull                    the disk refused the next spool segment
│   └── TransientError               raised by a sink: try this batch again later
├── Closed ── QueueClosed            put after close()
├── PermanentError                   raised by a sink: no retry will help these items
├── DeliveryError                    reported, not raised: items that did not reach the sink, with their ids
└── SpoolError                       reported, not raised: something unreadable in a spool
    ├── CorruptRecord                a record failed its checksum and was skipped
    └── UnknownFormat                a segment of another Rookery; left where it is
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.base.errors import Closed, Invalid, RookeryError, Unavailable
from rookery.base.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Sequence


class QueueClosed(Closed):
    """The queue has been closed and accepts nothing more."""


class QueueFull(Unavailable):
    """The queue is full: the sink is slower than the producers. Try again later."""


class ItemTooLarge(Invalid):
    """The item is larger than a queue can hold. Store the bulk elsewhere and put a reference."""


class SpoolFull(Unavailable):
    """The spool cannot grow; nothing accepted before is lost. Free some space."""


class TransientError(Unavailable):
    """The sink cannot take this batch now."""


class PermanentError(RookeryError):
    """The sink will never take this batch as it is."""


class DeliveryError(RookeryError):
    """Items did not reach the sink.

    `ids` holds the key of each item, or its sequence number where the queue has no key; `reason` what the
    sink raised; `dead` is true where the items are among the dead letters, false where they were lost.
    """

    def __init__(self, queue: str, ids: Sequence[str], reason: BaseException | str, *, dead: bool) -> None:
        self.queue, self.ids, self.reason, self.dead = queue, tuple(ids), reason, dead
        fate = "are dead letters" if dead else "were lost"
        named = ", ".join(self.ids[:5]) + (", …" if len(self.ids) > 5 else "")
        super().__init__(f"{queue}: {len(self.ids)} item(s) {fate} ({named}): {describe(reason)}")


class SpoolError(RookeryError):
    """Something in a spool cannot be read."""


class CorruptRecord(SpoolError):
    """A record of a spool failed its checksum and was skipped."""


class UnknownFormat(SpoolError):
    """A spool segment was written by a newer Rookery. Start that version to recover it."""


def describe(reason: BaseException | str) -> str:
    """One bounded line for an error: its type and its message, without secrets."""
    if isinstance(reason, str):
        return reason
    text = redact_text(" ".join(f"{type(reason).__name__}: {reason}".split()))
    return text if len(text) <= 500 else text[:499] + "…"
