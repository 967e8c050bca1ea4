"""BatchQueue: producers return in microseconds, one thread delivers in batches, nothing accepted is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, get_args

from rookery.base.errors import Invalid
from rookery.base.ids import new_id
from rookery.mechanisms.writebehind import lifecycle
from rookery.mechanisms.writebehind.buffer import DEFERRED, FULL, Buffer
from rookery.mechanisms.writebehind.codec import RAW, Codec
from rookery.mechanisms.writebehind.dead import DeadLetters
from rookery.mechanisms.writebehind.delivery import Delivery
from rookery.mechanisms.writebehind.errors import DeliveryError, QueueClosed, QueueFull, SpoolError
from rookery.mechanisms.writebehind.limits import Limits, WhenFull
from rookery.mechanisms.writebehind.retry import RetryPolicy
from rookery.mechanisms.writebehind.spool import Spool, has_leftovers
from rookery.mechanisms.writebehind.stats import Counts, Stats
from rookery.mechanisms.writebehind.waiting import beside_the_loop, block_until, is_on_event_loop, wait_until
from rookery.mechanisms.writebehind.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

    from rookery.mechanisms.writebehind.batch import Sink

T = TypeVar("T")
_RAW: Codec[Any] = RAW
_RETRY = RetryPolicy()
GRACE_SECONDS = 1.0  # for a writer that has been told to stop: one sink call, and the tidying up


class BatchQueue(Generic[T]):
    """A bounded, batching, deduplicating, crash-safe queue in front of a sink.

    `sink` gets a Batch: newest value per `key`, ordered by the last put of each key. It runs in the queue's
    own thread, a coroutine on a private loop there; it must not fork. A batch is due when `batch_size` items
    or `batch_bytes` are queued, or the oldest has waited `batch_interval` seconds; in a backlog it may grow
    up to `largest_batch` (default: never beyond `batch_size`). `capacity` items and `capacity_bytes` bound
    the memory. When full, put waits ("block"), raises QueueFull ("raise"), or drops and counts the new item
    ("drop").

    With `spool`, a folder, what put accepted survives the death of the process (not a power failure):
    another queue on the same folder delivers it. `spool_bytes` bounds each process's share of the disk. What
    the sink refuses for good goes to `dead` and `<spool>/dead.jsonl`, and is reported to `on_error` with its
    ids.
    """

    def __init__(
        self,
        sink: Sink[T],
        *,
        name: str,
        codec: Codec[T] = _RAW,
        key: Callable[[T], Hashable] | None = None,
        batch_size: int = 100,
        batch_bytes: int = 1 << 20,
        batch_interval: float = 5.0,
        largest_batch: int | None = None,
        capacity: int = 10_000,
        capacity_bytes: int = 64 << 20,
        on_full: WhenFull = "block",
        spool: Path | None = None,
        spool_bytes: int = 1 << 30,
        retry: RetryPolicy = _RETRY,
        on_error: Callable[[DeliveryError | SpoolError], None] | None = None,
    ) -> None:
        if on_full not in get_args(WhenFull):
            raise Invalid(f"on_full is {on_full!r}; it must be one of {', '.join(get_args(WhenFull))}.")
        largest = max(batch_size, largest_batch or 0)
        self._limits = Limits(batch_size, batch_bytes, batch_interval, largest, capacity, capacity_bytes)
        self.name = name
        self.dead = DeadLetters(spool)
        self._sink, self._codec, self._key, self._on_full = sink, codec, key, on_full
        self._encode = codec.encode
        self._spool_folder, self._spool_bytes = spool, spool_bytes
        self._retry, self._on_error = retry, on_error
        self._has_reported_rest = False
        self._begin()
        lifecycle.watch(self)
        if spool is not None and has_leftovers(spool):
            self._buffer.is_recovering = True
            self._buffer.wake_writer()

    def _begin(self) -> None:
        """A new stream: empty, with locks nobody holds and no thread."""
        self.stream = new_id()
        self._counts = Counts()
        folder, budget = self._spool_folder, self._spool_bytes
        self._spool = None if folder is None else Spool(folder, self.stream, budget)
        self._is_cold = folder is not None
        self._delivery = Delivery(
            self.name,
            self._sink,
            self._codec,
            self._key,
            self._retry,
            self.dead,
            self._on_error,
            self._counts,
        )
        retire = getattr(self._sink, "retire", None)
        self._writer = Writer(
            self.name, self.stream, self._limits, self._delivery, self._counts, self._spool, folder, retire
        )
        is_keyed = self._key is not None
        self._buffer = Buffer(
            self._limits, self._spool, self._counts, is_keyed=is_keyed, start_writer=self._writer.start
        )
        self._writer.serve(self._buffer, self)
        self._admit = self._buffer.admit

    # --- producers ---

    def put(self, item: T) -> int:
        """Accept a snapshot of `item`; its number in the stream, without waiting for the sink.

        Returns 0 for an item that has no number (yet): dropped, or put by a finaliser or signal handler in
        the middle of another put. Raises QueueClosed, QueueFull (also instead of blocking an event loop),
        SpoolFull, ItemTooLarge, and whatever the codec raises.
        """
        payload = self._encode(item)
        key = self._key(item) if self._key is not None else None
        seq = self._admit(payload, key)
        return seq if seq >= 0 else self._put_when_full(payload, key)

    async def aput(self, item: T) -> int:
        """Like put; where put would block, the task waits and the loop goes on."""
        payload = self._encode(item)
        key = self._key(item) if self._key is not None else None
        if self._is_cold:
            await beside_the_loop(self._warm_up)
        seq = self._admit(payload, key)
        while seq == FULL:
            if not self._may_wait():
                return DEFERRED
            if self._writer.is_current():  # as in _put_when_full
                return self._admit(payload, key, force=True)
            await wait_until(self._buffer.when_room, None)
            seq = self._admit(payload, key)
        return seq

    def _warm_up(self) -> None:
        """Make the spool's first file, which the first put would make, and a loop should not wait for."""
        with self._buffer.section():
            if self._is_cold and self._spool is not None:
                self._spool.prepare()
            self._is_cold = False

    def _put_when_full(self, payload: bytes, key: Hashable) -> int:
        seq = FULL
        while seq == FULL:
            if not self._may_wait():
                return DEFERRED
            if self._writer.is_current():  # the sink itself puts: it would wait for itself
                return self._admit(payload, key, force=True)
            if is_on_event_loop():
                self._refuse("a put() on an event loop must not wait; use aput()")
            block_until(self._buffer.when_room, None)
            seq = self._admit(payload, key)
        return seq

    def _may_wait(self) -> bool:
        """What to do when full: True to wait, False when the item was dropped."""
        if self._buffer.is_shut:
            raise QueueClosed(f"The queue {self.name} is closed.")
        if self._on_full == "raise":
            self._refuse("the sink is slower than its producers")
        if self._on_full == "drop":
            with self._buffer.section():
                self._counts.dropped += 1
        return self._on_full == "block"

    def _refuse(self, why: str) -> None:
        with self._buffer.section():
            self._counts.refused += 1
        raise QueueFull(f"The queue {self.name} is full: {why}.")

    # --- flush and close ---

    def flush(self, timeout: float | None = None) -> bool:
        """True when all that was put before is delivered or dead, leftovers of dead processes included.

        False after `timeout` seconds, when the queue is closed with items left, or when called by the sink
        itself.
        """
        if self._writer.is_current():
            return False
        upto = self._buffer.seq
        block_until(self._buffer.when_settled, timeout)
        return self._buffer.is_settled(upto)

    async def aflush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109  the same face as flush
        """Like flush, while the loop goes on."""
        if self._writer.is_current():
            return False
        upto = self._buffer.seq
        await wait_until(self._buffer.when_settled, timeout)
        return self._buffer.is_settled(upto)

    def close(self, timeout: float | None = None) -> bool:
        """Flush and stop; put() raises QueueClosed from now on. True when everything is delivered or dead.

        After `timeout` seconds the rest stays in the spool for the next process; without a spool it is lost,
        and reported to on_error. A sink that hangs is left behind in its daemon thread.
        """
        self._buffer.shut()
        if self._writer.is_current():
            self._writer.stop()
            return False
        if self._writer.is_alive:
            self._stop(self.flush(timeout))
            block_until(self._writer.when_finished, GRACE_SECONDS)
        else:
            self._writer.run_here(timeout)
        return self._closed()

    async def aclose(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109  the same face as close
        """Like close, while the loop goes on."""
        self._buffer.shut()
        if self._writer.is_current():
            self._writer.stop()
            return False
        if self._writer.is_alive:
            self._stop(await self.aflush(timeout))
            await wait_until(self._writer.when_finished, GRACE_SECONDS)
        else:
            await beside_the_loop(self._writer.run_here, timeout)
        return self._closed()

    def _stop(self, is_settled: bool) -> None:
        if not is_settled:
            self._delivery.halt.set()
        self._writer.stop()

    def _closed(self) -> bool:
        """Say once what was left undelivered."""
        is_done = self._buffer.is_settled(self._buffer.seq)
        if not is_done and not self._has_reported_rest:
            self._has_reported_rest = True
            self._writer.report_rest()
        return is_done

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(lifecycle.EXIT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose(lifecycle.EXIT_SECONDS)

    # --- fork ---

    def quiesce(self, timeout: float) -> bool:
        """Before a fork: wait for the sink, hold the buffer still; whether the sink came to rest in time."""
        is_idle = self._delivery.calling.acquire(timeout=timeout)
        self._buffer.hold_still()
        return is_idle

    def resume(self, was_idle: bool) -> None:
        """In the parent after a fork."""
        self._buffer.go_on()
        if was_idle:
            self._delivery.calling.release()

    def begin_anew(self) -> None:
        """In a forked child: the parent delivers what was queued; this stream is new and empty."""
        was_shut = self._buffer.is_shut
        if self._spool is not None:
            self._spool.release()
        self._begin()
        if was_shut:
            self._buffer.shut()

    # --- looking ---

    @property
    def stats(self) -> Stats:
        """A consistent snapshot."""
        buffer, counts = self._buffer, self._counts
        with buffer.section():
            return Stats(
                accepted=buffer.seq + counts.recovered,
                queued=buffer.queued,
                spool_bytes=0 if self._spool is None else self._spool.bytes,
                oldest_age=buffer.oldest_age(),
                writer_alive=self._writer.is_alive,
                **counts.as_dict(),
            )
