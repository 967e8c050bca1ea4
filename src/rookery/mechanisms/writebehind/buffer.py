"""What has been put and not yet delivered: one container, swapped whole, behind one lock.

Two rules keep it safe at any bytecode. The lock is re-entrant and every section raises `_busy`: a finaliser,
signal handler or logging sink that puts while its own thread is inside is deferred to `_late` and admitted at
the end of that section. And nothing inside waits, or calls what might: not even for a new thread to start.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from threading import RLock
from time import sleep
from typing import TYPE_CHECKING

from rookery.mechanisms.writebehind.alarm import Alarm
from rookery.mechanisms.writebehind.due import Due
from rookery.mechanisms.writebehind.errors import ItemTooLarge, QueueClosed, SpoolFull
from rookery.mechanisms.writebehind.waiting import Waiters

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from rookery.mechanisms.writebehind.batch import Entry
    from rookery.mechanisms.writebehind.limits import Limits
    from rookery.mechanisms.writebehind.spool import Spool
    from rookery.mechanisms.writebehind.stats import Counts
    from rookery.mechanisms.writebehind.waiting import Notify

FULL = -1
DEFERRED = 0
GIVE_WAY_SECONDS = 0.00005
GIVE_WAY_AT_MOST = 100  # then it is held for long, around a fork for instance: block
NAP_SECONDS = 0.002  # a wake-up costs as much as several puts: in a burst, one per nap, not one per batch


class Buffer:
    """Admission, the swap, the settlement."""

    def __init__(
        self,
        limits: Limits,
        spool: Spool | None,
        counts: Counts,
        *,
        is_keyed: bool,
        start_writer: Callable[[], None],
    ) -> None:
        self._lock = RLock()
        self._busy = self._is_draining = False
        self._late: deque[tuple[bytes, Hashable]] = deque()
        self._spool, self._counts = spool, counts
        self._append = None if spool is None else spool.append
        self._entries: list[Entry] = []
        self._latest: dict[Hashable, Entry] = {}
        self._is_keyed = is_keyed
        self._capacity, self._capacity_bytes = limits.capacity, limits.capacity_bytes
        self._spool_is_full = self._is_given_up = False
        self._alarm, self._due = Alarm(start_writer), Due(limits)
        self._waiters = Waiters()
        self.is_recovering = False
        self.seq = 0  # the last number given
        self.settled = 0  # all up to this number is delivered, coalesced or dead
        self.count = self.bytes = 0  # queued and in flight

    # --- producers ---

    def admit(self, payload: bytes, key: Hashable, force: bool = False) -> int:
        """Number and keep one item: its seq, or FULL, or DEFERRED.

        The hot path: a microsecond, no system call, no wait.
        """
        if self._busy:
            self._let_out()
        with self._lock:
            if self._busy:
                self._late.append((payload, key))
                return DEFERRED
            self._busy = True
            try:
                if (self.count >= self._capacity or self.bytes >= self._capacity_bytes) and not force:
                    return FULL
                self.seq = seq = self.seq + 1  # first: no number is given twice, whatever interrupts us
                if self._append is not None and not self._append(seq, payload) and not force:
                    self.seq -= 1
                    self._spool_is_full = True
                    return FULL
                if self._is_keyed:
                    self._replace(key, (seq, payload))
                else:
                    self._entries.append((seq, payload))
                self.count = count = self.count + 1
                self.bytes += len(payload)
                if count >= self._due.rouse_at or self.bytes >= self._due.rouse_bytes:
                    self._due.rouse()
                    self._alarm.ring()
            except (SpoolFull, ItemTooLarge):
                self.seq -= 1
                raise
            else:
                return seq
            finally:
                self._busy = False
                if self._late and not self._is_draining:
                    self._admit_late()

    def _let_out(self) -> None:
        """Give way to a thread that was preempted inside a section, until it has left.

        Blocking on its lock instead would begin a convoy: from then on every put of every producer wakes
        a sleeper and waits for another, at ten times the cost, as long as there is traffic.
        """
        for _ in range(GIVE_WAY_AT_MOST):
            if self._lock.acquire(blocking=False):  # free, or our own: then we are inside already
                self._lock.release()
                return
            sleep(GIVE_WAY_SECONDS)

    def _replace(self, key: Hashable, entry: Entry) -> None:
        """The newest value wins and moves to the end: the buffer stays sorted by seq."""
        old = self._latest.pop(key, None)
        self._latest[key] = entry
        if old is not None:
            self._counts.coalesced += 1
            self.count -= 1
            self.bytes -= len(old[1])

    def _admit_late(self) -> None:
        """What came while a section was busy, one after the other: more may come meanwhile."""
        self._is_draining = True
        try:
            while self._late:
                payload, key = self._late.popleft()
                self._counts.deferred += 1
                self._admit_one_late(payload, key)
        finally:
            self._is_draining = False

    def _admit_one_late(self, payload: bytes, key: Hashable) -> None:
        """A refusal is not the fault of the put that was interrupted: it is counted."""
        try:
            if self.is_shut:
                raise QueueClosed  # noqa: TRY301  counted like the other refusals
            self.admit(payload, key, force=True)
        except (SpoolFull, ItemTooLarge, QueueClosed) as error:
            self._counts.refuse(error)

    @contextmanager
    def section(self) -> Iterator[None]:
        """A critical section off the hot path."""
        if self._busy:
            self._let_out()
        with self._lock:
            was_busy, self._busy = self._busy, True
            try:
                yield
            finally:
                self._busy = was_busy
                if self._late and not was_busy and not self._is_draining:
                    self._admit_late()

    def when_room(self, notify: Notify) -> bool:
        """Call `notify` when there is room again; False if there is room now, or never will be."""
        with self.section():
            if not self._is_full() or self.is_shut or self._is_given_up:
                return False
            self._waiters.add_for_room(notify)
            self._due.is_urgent = True
            self._alarm.ring()
            return True

    def _is_full(self) -> bool:
        return self.count >= self._capacity or self.bytes >= self._capacity_bytes or self._spool_is_full

    @property
    def is_shut(self) -> bool:
        return self._capacity < 0

    def shut(self) -> None:
        """Admit nothing more. A negative capacity looks full to `admit`, which needs no check of its own."""
        with self.section():
            self._capacity = -1
            self._due.is_urgent = True
            waiters = self._waiters.take_for_room()
        _call(waiters)

    def when_settled(self, notify: Notify) -> bool:
        """Call `notify` when all put so far is settled, recovery included; False if it is now."""
        with self.section():
            if self.is_settled(self.seq) or self._is_given_up:
                return False
            self._waiters.add_for(self.seq, notify)
            self._due.flush(self.seq)
            self._alarm.ring()
            return True

    def is_settled(self, seq: int) -> bool:
        """Whether all up to `seq` is delivered or dead, and no recovery is pending."""
        return (self.settled >= seq or not self.count) and not self.is_recovering

    def hold_still(self) -> None:
        """Keep every other thread out, across a fork."""
        self._lock.acquire()

    def go_on(self) -> None:
        self._lock.release()

    # --- the writer ---

    def wake_writer(self, *, to_end: bool = False) -> None:
        """Start or wake the writer; `to_end` also keeps it from ever sleeping again."""
        with self.section():
            self._due.is_ending |= to_end
            self._alarm.ring()

    def next_generation(self, idle: float) -> list[Entry]:
        """All that is queued, once a batch is due; [] after an alarm without work, or `idle` seconds.

        First a nap that no put interrupts, then a sleep that a full batch does.
        """
        for seconds, is_nap in ((NAP_SECONDS, True), (idle, False)):
            with self.section():
                wait = self._seconds_until_due()
                if wait <= 0:
                    return self._swap()
                self._due.fall_asleep(self.count, is_nap=is_nap)
                self._alarm.set()
            self.let_in()  # whatever the sink does about it: nobody waits for a writer that sleeps
            if self._alarm.sleep(min(wait, seconds)):
                break
        with self.section():
            self._alarm.unset()
            return self._swap() if self._seconds_until_due() <= 0 else []

    def is_followed(self, entries: int, size: int) -> bool:
        """Whether so few entries would make a batch of this size with what is queued behind them."""
        return entries < size <= entries + len(self._entries)

    def _seconds_until_due(self) -> float:
        """Called between generations: all that counts is queued, or the tail of the last one."""
        return self._due.seconds(self.count, self.bytes, self.settled)

    def _swap(self) -> list[Entry]:
        if self._is_keyed:
            taken = list(self._latest.values())
            self._latest = {}
        else:
            taken, self._entries = self._entries, []
        self._counts.inflight += len(taken)
        self._due.taken()
        return taken

    def settle(self, entries: list[Entry], *, delivered: int, dead: int) -> None:
        """The next entries of the generation are done: acknowledge, free their room, wake who waits."""
        with self.section():
            self.settled = entries[-1][0]
            self.count -= len(entries)
            self.bytes -= sum([len(payload) for _, payload in entries])
            self._counts.settle(delivered, dead)
            done = [] if self._spool is None else self._spool.acknowledge(self.settled)
            self._spool_is_full = False
            ready = self._waiters.take_for(self.is_settled)
        for segment in done:
            segment.discard()
        _call(ready)

    def let_in(self) -> None:
        """Wake the producers that wait for room, if there is enough: at four fifths, not one by one."""
        if not self._waiters.has_for_room:
            return
        with self.section():
            has_room = 5 * self.count <= 4 * self._capacity and 5 * self.bytes <= 4 * self._capacity_bytes
            self._due.is_urgent |= not has_room
            ready = self._waiters.take_for_room() if has_room else []
        _call(ready)

    def recovered(self) -> None:
        """The leftovers of dead processes have been dealt with."""
        with self.section():
            self.is_recovering = False
            ready = self._waiters.take_for(self.is_settled)
        _call(ready)

    def give_up(self) -> None:
        """The writer ends: wake everybody who waits; they look for themselves what became of it."""
        with self.section():
            self._is_given_up = True
            ready = self._waiters.take_all()
        _call(ready)

    # --- looking ---

    def entries(self) -> list[Entry]:
        """What is queued."""
        with self.section():
            return list(self._latest.values()) if self._is_keyed else list(self._entries)

    @property
    def queued(self) -> int:
        return len(self._latest) if self._is_keyed else len(self._entries)

    def oldest_age(self) -> float:
        """Seconds since the oldest queued item was put, at most; 0 when nothing is queued."""
        return self._due.oldest_age() if self.queued else 0.0


def _call(ready: list[Notify]) -> None:
    for notify in ready:
        notify()
