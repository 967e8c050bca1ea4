"""The one thread of a queue that talks to the sink. Started by the first put, supervised, ended by close."""

from __future__ import annotations

import _thread
import itertools
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from rookery.mechanisms.writebehind.delivery import Abandoned
from rookery.mechanisms.writebehind.errors import DeliveryError, SpoolError, describe
from rookery.mechanisms.writebehind.recovery import leftovers
from rookery.mechanisms.writebehind.segment import Segment
from rookery.mechanisms.writebehind.sizing import BatchSizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rookery.mechanisms.writebehind.batch import Entry
    from rookery.mechanisms.writebehind.buffer import Buffer
    from rookery.mechanisms.writebehind.delivery import Delivery
    from rookery.mechanisms.writebehind.limits import Limits
    from rookery.mechanisms.writebehind.recovery import Leftover
    from rookery.mechanisms.writebehind.spool import Spool
    from rookery.mechanisms.writebehind.stats import Counts
    from rookery.mechanisms.writebehind.waiting import Notify

log = logging.getLogger(__name__)

RECOVERY_SECONDS = 30.0
PAUSE_AFTER_SURPRISE = 0.1


class Writer:
    """Takes what is due, delivers it in batches, and looks after the spool, its own and those of the dead."""

    recovered = False

    def __init__(
        self,
        name: str,
        stream: str,
        limits: Limits,
        delivery: Delivery[Any],
        counts: Counts,
        spool: Spool | None,
        spool_folder: Path | None,
        retire: Callable[[str], None] | None,
    ) -> None:
        self.id, self._name = stream, name
        self._delivery, self._counts, self._spool, self._folder = delivery, counts, spool, spool_folder
        self._sizer = BatchSizer(limits)
        self._retire = retire
        self._buffer: Buffer
        self._generation: list[Entry] = []
        self._recover_at = 0.0
        self._unreadable = {stream}
        self._pid = os.getpid()
        self._life = threading.RLock()
        self._ident = 0
        self.is_alive = False
        self._is_stopping = False
        self.is_finished = False
        self._finish_waiters: list[Notify] = []

    def serve(self, buffer: Buffer, owner: object) -> None:
        """Take from this buffer. A running thread keeps `owner`, the queue, alive: dropped queues deliver."""
        self._buffer, self._owner = buffer, owner

    # --- life ---

    def start(self) -> None:
        """Start the thread if it is not running; where none can be started any more, close() drains.

        Not threading.Thread: its start() waits for the new thread, and this runs under the buffer's lock,
        for which a finaliser in the new thread may be waiting.
        """
        if self.is_alive or self.is_finished:
            return
        self.is_alive = True
        try:
            _thread.start_new_thread(self._main, ())
        except RuntimeError:
            self.is_alive = False

    def _main(self) -> None:
        self._ident = _thread.get_ident()
        sys.settrace(threading.gettrace())  # as threading.Thread does, for debuggers and coverage
        try:
            self.run()
        finally:
            self._ident, self.is_alive = 0, False

    def is_current(self) -> bool:
        return self._ident == _thread.get_ident()

    def stop(self) -> None:
        """End after what is due has been delivered, or at once if the delivery is halted."""
        self._is_stopping = True
        self._buffer.wake_writer(to_end=True)

    def run_here(self, timeout: float | None) -> None:
        """Do the work in this thread: nothing was put, or no other can be started any more."""
        with self._life:
            self._is_stopping = True
            if timeout is not None:
                self._delivery.deadline = time.monotonic() + timeout
            if not self.is_finished:
                self.run()

    def report_rest(self) -> None:
        """The queue is closed and its time is up: say what was not delivered."""
        settled = self._buffer.settled
        rest = [entry for entry in self._generation + self._buffer.entries() if entry[0] > settled]
        if self._spool is not None:
            log.warning(
                "%s: closed with %d items undelivered; they stay in %s", self._name, len(rest), self._folder
            )
        elif rest:
            ids = [self._delivery.id_of(entry) for entry in rest]
            self._delivery.report(DeliveryError(self._name, ids, "the queue was closed before", dead=False))

    def when_finished(self, notify: Notify) -> bool:
        with self._life:
            if self.is_finished:
                return False
            self._finish_waiters.append(notify)
            return True

    def run(self) -> None:
        """The supervised loop: an unexpected error is logged, and the same generation resumed."""
        while not self._is_over():
            try:
                self._cycle()
            except Abandoned:
                break
            except Exception as error:
                self._counts.restarts += 1
                self._counts.last_error = describe(error)
                log.exception("%s: unexpected error in the writer; resuming", self._name)
                self._delivery.halt.wait(PAUSE_AFTER_SURPRISE)
        if self._pid == os.getpid():
            self._finish()

    def _is_over(self) -> bool:
        if self._pid != os.getpid():
            return True  # the sink forked, and this is the child's copy of the writer
        return self._is_stopping and not self._generation and not self._buffer.queued

    def _cycle(self) -> None:
        self._recover_if_due()
        self._drain()
        self._generation += self._buffer.next_generation(self._idle_seconds())
        self._drain()

    def _idle_seconds(self) -> float:
        return RECOVERY_SECONDS if self._folder is not None else threading.TIMEOUT_MAX

    def _finish(self) -> None:
        is_done = self._buffer.settled >= self._buffer.seq or not self._buffer.count
        if self._spool is not None:
            self._spool.remove() if is_done else self._spool.release()
        if is_done and self._buffer.seq:
            self._retire_stream(self.id)
        self._delivery.close()
        self._buffer.give_up()
        with self._life:
            self.is_finished, self.is_alive = True, False
            waiters, self._finish_waiters = self._finish_waiters, []
        for notify in waiters:
            notify()

    def _retire_stream(self, stream: str) -> None:
        """The stream has ended: let the sink forget its cursor, if it can."""
        if self._retire is None:
            return
        try:
            self._retire(stream)
        except Exception as error:  # noqa: BLE001  the row stays, and does no harm
            log.debug("%s: could not retire the stream %s: %s", self._name, stream, describe(error))

    # --- a Stream: this queue's own entries ---

    def _drain(self) -> None:
        settled = self._buffer.settled
        if self._generation and self._generation[0][0] <= settled:
            self._generation = [entry for entry in self._generation if entry[0] > settled]
        while self._generation and not self._is_tail():
            batch = self._sizer.next_batch(self._generation)
            started = time.monotonic()
            self._delivery.deliver(batch, self)
            del self._generation[: len(batch)]
            self._sizer.took(time.monotonic() - started, has_backlog=len(self._generation) > 0)
            self._prepare_spool()

    def _is_tail(self) -> bool:
        """Whether what is left is better delivered with what is queued behind it: each call has its price."""
        return self._buffer.is_followed(len(self._generation), self._sizer.size)

    def hold(self, seqs: list[int]) -> None:
        if self._spool is not None:
            self._spool.hold(seqs)

    def settle(self, entries: list[Entry], *, delivered: int, dead: int) -> None:
        self._buffer.settle(entries, delivered=delivered, dead=dead)
        if not self._delivery.sink_lets_in:
            self.let_in()

    def let_in(self) -> None:
        self._buffer.let_in()

    def _prepare_spool(self) -> None:
        """Allocate and map ahead, so that producers seldom do; a full disk is theirs to report."""
        if self._spool is None:
            return
        self._spool.prefault()
        plan = self._spool.plan_spare()
        if plan is None:
            return
        try:
            spare = Segment(*plan)
        except OSError:
            return
        spare.prefault()
        with self._buffer.section():
            is_adopted = self._spool.adopt_spare(spare)
        if not is_adopted:
            spare.discard()

    def _check_spool(self) -> None:
        """Somebody removed the folder: a deleted file would keep nothing, so begin another."""
        if self._spool is None:
            return
        with self._buffer.section():
            if self._spool.is_linked():
                return
            self._spool.release()
        gone = f"{self._spool.folder} was removed under a running queue; what was in it is in memory only."
        self._delivery.report(SpoolError(gone))

    # --- the dead ---

    def _recover_if_due(self) -> None:
        if self._folder is None or time.monotonic() < self._recover_at:
            return
        self._check_spool()
        for leftover in leftovers(self._folder, self._unreadable, self._counts, self._delivery.report):
            try:
                self._recover(leftover)
            except Abandoned:
                raise
            except Exception as error:  # noqa: BLE001  one bad folder must not hold up what is put here
                self._unreadable.add(leftover.id)
                where = self._folder / leftover.id
                self._delivery.report(SpoolError(f"{where} is left as it is: {describe(error)}"))
        self._recover_at = time.monotonic() + RECOVERY_SECONDS
        self._buffer.recovered()

    def _recover(self, leftover: Leftover) -> None:
        is_done = False
        try:
            for entries in leftover.segments():
                self._redeliver(entries, leftover)
            is_done = True
        finally:
            was_deleted = leftover.close(is_done=is_done)
        if was_deleted:
            self._retire_stream(leftover.id)
        else:
            self._unreadable.add(leftover.id)

    def _redeliver(self, entries: list[Entry], leftover: Leftover) -> None:
        refused = leftover.refused_before()
        for was_refused, run in itertools.groupby(entries, lambda entry: entry[0] in refused):
            rest = list(run)
            while rest:
                batch = self._sizer.next_batch(rest)
                del rest[: len(batch)]
                newest = self._delivery.newest(batch)
                leftover.begin(len(newest), coalesced=len(batch) - len(newest))
                if was_refused:
                    self._delivery.condemn(
                        newest, leftover, "refused by the sink just before its process died"
                    )
                else:
                    self._delivery.deliver(newest, leftover)
