"""Calling the sink, whatever it does: pauses after what may pass, dead letters for what does not, reports.

In which parts a batch is tried, when it is refused, its trial decides.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rookery.mechanisms.writebehind.batch import Batch
from rookery.mechanisms.writebehind.codec import RAW
from rookery.mechanisms.writebehind.dead import DeadLetter, letter
from rookery.mechanisms.writebehind.errors import DeliveryError, describe
from rookery.mechanisms.writebehind.retry import RetryPolicy, is_transient
from rookery.mechanisms.writebehind.trial import Trial

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Hashable

    from rookery.mechanisms.writebehind.batch import Entry, Sink
    from rookery.mechanisms.writebehind.codec import Codec
    from rookery.mechanisms.writebehind.dead import DeadLetters
    from rookery.mechanisms.writebehind.errors import SpoolError
    from rookery.mechanisms.writebehind.stats import Counts

T = TypeVar("T")
log = logging.getLogger(__name__)

SMALLEST_STREAK = 2


class Abandoned(Exception):
    """The queue is closing and its time is up; what is not settled stays where it is."""


class Stream(Protocol):
    """Where entries come from: this queue's own buffer, or what a dead process left."""

    id: str
    recovered: bool

    def let_in(self) -> None: ...
    def hold(self, seqs: list[int]) -> None: ...
    def settle(self, entries: list[Entry], *, delivered: int, dead: int) -> None: ...


class Delivery(Generic[T]):
    """The one caller of the sink."""

    def __init__(
        self,
        name: str,
        sink: Sink[T],
        codec: Codec[T],
        key: Callable[[T], Hashable] | None,
        retry: RetryPolicy,
        dead: DeadLetters,
        on_error: Callable[[DeliveryError | SpoolError], None] | None,
        counts: Counts,
    ) -> None:
        self._name, self._sink, self._codec, self._key = name, sink, codec, key
        self.sink_lets_in = getattr(sink, "lets_in", False)
        self._retry, self._dead, self._on_error, self._counts = retry, dead, on_error, counts
        self._failures = 0
        self._streak = 0
        self._refusing_since: float | None = None
        self._loop: asyncio.Runner | None = None
        self.calling = threading.RLock()  # held while the sink runs: a fork waits for it
        self.halt = threading.Event()
        self.deadline = float("inf")

    def deliver(self, entries: list[Entry], stream: Stream) -> None:
        """Return when every entry is delivered or a dead letter.

        Raises Abandoned once the queue's time is up.
        """
        Trial(self, entries, stream).run()

    def condemn(self, entries: list[Entry], stream: Stream, reason: str) -> None:
        """Make entries dead letters without trying them."""
        self.bury([self.letter(entry, stream, reason) for entry in entries])
        stream.settle(entries, delivered=0, dead=len(entries))

    def newest(self, entries: list[Entry]) -> list[Entry]:
        """The last entry of each key, in order; all of them where the queue has no key."""
        if self._key is None:
            return entries
        latest: dict[Hashable, Entry] = {}
        for entry in entries:
            key = self._key_of(entry)
            latest.pop(key, None)
            latest[key] = entry
        return list(latest.values())

    def _key_of(self, entry: Entry) -> Hashable:
        try:
            return None if self._key is None else self._key(self._codec.decode(entry[1]))
        except Exception:  # noqa: BLE001  what cannot be decoded has no key; the sink's trial will say why
            return entry

    def attempt(self, entries: list[Entry], stream: Stream) -> BaseException | None:
        """Call the sink once; its error, or None."""
        if self.halt.is_set():
            raise Abandoned
        seqs = [seq for seq, _ in entries]
        try:
            items: Any = [payload for _, payload in entries]
            if self._codec is not RAW:
                items = map(self._codec.decode, items)
            batch = Batch(
                items, stream=stream.id, seqs=seqs, recovered=stream.recovered, let_in=stream.let_in
            )
            with self.calling:
                outcome = self._sink(batch)
                if outcome is not None and hasattr(outcome, "__await__"):
                    self._run(outcome)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  a cancelled or exiting sink has not delivered either
            stream.let_in()  # who waits for room need not wait for the retry, too
            return error
        self._succeeded()
        return None

    def _run(self, awaitable: Awaitable[None]) -> None:
        if self._loop is None:
            import asyncio  # here, because only asynchronous sinks need it

            self._loop = asyncio.Runner()
        self._loop.run(_awaited(awaitable))

    def close(self) -> None:
        """Close the private event loop, in the thread that ran it."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _succeeded(self) -> None:
        if self._failures:
            log.info("%s: the sink works again after %d failures", self._name, self._failures)
        self._failures = self._streak = 0
        self._refusing_since = None
        self._counts.batches += 1

    def refused(self, batch: int) -> bool:
        """Count one refused item; whether so many in a row speak against the sink rather than against the
        items.
        """
        now = time.monotonic()
        self._streak += 1
        if self._refusing_since is None:
            self._refusing_since = now
        is_patient = now - self._refusing_since < self._retry.patience
        return is_patient and self._streak > max(batch // 2, SMALLEST_STREAK)

    def gives_up(self, error: BaseException) -> bool:
        """Whether to treat `error` as final: it is, or the transient ones have used up the attempts."""
        attempts = self._retry.attempts
        return not is_transient(error) or (attempts is not None and self._failures + 1 >= attempts)

    def pause(self, error: BaseException) -> None:
        """Back off. Raises Abandoned if the queue's time is up meanwhile."""
        self._failures += 1
        self._counts.retries += 1
        self._counts.last_error = describe(error)
        level = logging.WARNING if self._failures == 1 else logging.DEBUG
        log.log(level, "%s: the sink failed, will retry: %s", self._name, describe(error))
        left = self.deadline - time.monotonic()
        if self.halt.wait(max(0.0, min(self._retry.delay(self._failures), left))) or left <= 0:
            raise Abandoned

    def split(self) -> None:
        self._counts.splits += 1

    def letter(self, entry: Entry, stream: Stream, error: BaseException | str) -> DeadLetter:
        seq, payload = entry
        return letter(stream.id, seq, self.id_of(entry), describe(error), payload)

    def id_of(self, entry: Entry) -> str:
        """What names the item in a report: its key, or its number."""
        key = self._key_of(entry)
        return str(entry[0] if key is None or key is entry else key)

    def bury(self, letters: list[DeadLetter]) -> None:
        """Write dead letters, however long that takes, and report them: once per distinct reason."""
        while True:
            try:
                self._dead.add(letters)
                break
            except OSError as error:
                self.pause(error)
        for reason in dict.fromkeys(entry.error for entry in letters):
            ids = [entry.id for entry in letters if entry.error == reason]
            self.report(DeliveryError(self._name, ids, reason, dead=True))

    def report(self, error: DeliveryError | SpoolError) -> None:
        """Log the error and hand it to on_error, whose own failure must not stop the writer."""
        self._counts.last_error = str(error)
        log.error("%s", error)
        if self._on_error is not None:
            try:
                self._on_error(error)
            except Exception:
                log.exception("%s: on_error failed", self._name)


async def _awaited(awaitable: Awaitable[Any]) -> None:
    await awaitable
