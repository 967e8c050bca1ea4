"""One batch on its way into the sink: in which parts it is tried, and what becomes of each.

A batch that is refused for good is halved, left half first, until the poison stands alone. Where the left
half passes, the poison is in the right one, which is halved without being tried. Order is never given up:
nothing is tried before what stands in front of it is delivered or judged, because the sink's cursor is one
number. A refused item is remembered in the spool's ledger before the next one is tried; it becomes a dead
letter once something after it is delivered, or the batch ends. If more than half of a batch is refused in a
row, the fault is likely the sink's: the items are taken back, and tried again after a pause, as long as the
patience lasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from rookery.mechanisms.writebehind.ledger import SLOTS
from rookery.mechanisms.writebehind.retry import is_transient

if TYPE_CHECKING:
    from rookery.mechanisms.writebehind.batch import Entry
    from rookery.mechanisms.writebehind.delivery import Delivery, Stream

T = TypeVar("T")


class Trial(Generic[T]):
    """What is still to try, and which items stand refused.

    `_low` is where the untried begins. `_failed` ends the shortest range from there on that is known to hold
    a refused item: what is tried is its left half, until one item is left. Where nothing is known, as much is
    tried as lay between the last two refused items, twice as much after each success: rare poison costs
    log2(batch) calls, and plenty of it less than trying one by one.
    """

    def __init__(self, delivery: Delivery[T], entries: list[Entry], stream: Stream) -> None:
        self._delivery, self._entries, self._stream = delivery, entries, stream
        self._low = self._settled = 0
        self._reach, self._last_refused = len(entries), -1
        self._failed: list[int] = []  # a stack; the shortest range's end is on top
        self._held: list[tuple[int, BaseException]] = []

    def run(self) -> None:
        """Return when every entry is delivered or a dead letter. Raises Abandoned."""
        while self._low < len(self._entries):
            high = self._next_end()
            error = self._delivery.attempt(self._entries[self._low : high], self._stream)
            if error is None:
                self._succeeded(high)
            else:
                self._judge(high, error)
        self._settle(len(self._entries))

    def _next_end(self) -> int:
        """Half of what is known to fail, and half of the rest when the first half was none of it."""
        if not self._failed:
            return min(self._low + self._reach, len(self._entries))
        return (self._low + self._failed[-1] + 1) // 2

    def _succeeded(self, high: int) -> None:
        if not self._failed:
            self._reach *= 2
        elif (
            high >= self._failed[-1]
        ):  # what failed as a whole has passed in parts: nothing is known of the rest
            self._failed.clear()
        self._low = high
        self._settle(high)

    def _judge(self, high: int, error: BaseException) -> None:
        if not self._delivery.gives_up(error):
            self._delivery.pause(error)
        elif is_transient(error):  # out of attempts: halving would not help
            self._held += [(at, error) for at in range(self._low, high)]
            self._go_on_at(high)
            self._settle(high)
        elif high - self._low > 1:
            self._failed.append(high)
            self._delivery.split()
        elif self._delivery.refused(len(self._entries)):
            self._take_back(error)
        else:
            self._hold(error)

    def _hold(self, error: BaseException) -> None:
        self._held.append((self._low, error))
        self._stream.hold([self._entries[at][0] for at, _ in self._held])
        self._reach, self._last_refused = self._low - self._last_refused, self._low
        self._go_on_at(self._low + 1)
        if len(self._held) == SLOTS:
            self._settle(self._low)

    def _take_back(self, error: BaseException) -> None:
        start = min([at for at, _ in self._held], default=self._low)
        self._held.clear()
        self._stream.hold([])
        self._go_on_at(start)
        self._reach = len(self._entries)
        self._delivery.pause(error)

    def _go_on_at(self, low: int) -> None:
        """Nothing is known of what comes now."""
        self._low = low
        self._failed.clear()

    def _settle(self, high: int) -> None:
        """All up to `high` is decided: bury the refused, acknowledge the range."""
        if high == self._settled:
            return
        done, dead = self._entries[self._settled : high], len(self._held)
        if dead:
            letters = [self._delivery.letter(self._entries[at], self._stream, why) for at, why in self._held]
            self._delivery.bury(letters)
            self._held.clear()
        self._settled = high
        self._stream.settle(done, delivered=len(done) - dead, dead=dead)
        if dead:
            self._stream.hold([])
