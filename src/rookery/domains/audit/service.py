"""AuditService: recording in microseconds, storing in a signed chain; and what is done to a whole log."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Self

from rookery.base.clock import to_us
from rookery.domains.audit import exporting, pruning
from rookery.domains.audit.errors import EntriesWaiting
from rookery.domains.audit.keys import Keyring, trusted_keys
from rookery.domains.audit.parts import verify_stored
from rookery.domains.audit.reading import driver_url, stored_log
from rookery.domains.audit.recording import Recorder
from rookery.domains.audit.sink import testify
from rookery.domains.audit.verdict import Verification
from rookery.mechanisms.store import explained
from rookery.mechanisms.store.engines import uri_to_read
from rookery.mechanisms.writebehind.queue import BatchQueue

PATIENCE = 5.0
"""Seconds without a single entry stored, after which nobody waits for the database any longer."""


class AuditService(Recorder):
    """The audit log of one database and one data directory, for any number of threads and tasks.

    With `is_async` (the default) an entry is in the spool when `record` returns, and survives the death of
    the process; otherwise it is in the database. Opened on first use; close it, or use it in a `with`.
    """

    # --- life

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all recorded before is stored; False when that took longer than `timeout` seconds."""
        return self._queue is None or self._queue.flush(timeout)

    async def aflush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109  the same face as flush
        """As `flush`, while the loop goes on."""
        return self._queue is None or await self._queue.aflush(timeout)

    def settle(self) -> None:
        """Wait until all recorded before is stored. EntriesWaiting when nothing was for PATIENCE seconds."""
        stored = -1
        while self._queue is not None and not self._queue.flush(PATIENCE):
            stats = self._queue.stats
            if stats.delivered == stored:
                count = f"audit entries not stored yet: {stats.queued + stats.inflight:,}"
                raise EntriesWaiting(f"{count} ({stats.last_error}). {EntriesWaiting.__doc__}")
            stored = stats.delivered

    def close(self, timeout: float | None = None) -> bool:
        """Store what was recorded, then record nothing more. What takes longer stays in the spool: False.

        Without a timeout it waits for as long as anything gets stored.
        """
        self.is_closed = True
        is_done = self._queue is None or self._closed(self._queue, timeout)
        if "_engine" in self.__dict__:
            self._engine.dispose()
        return is_done

    def _closed(self, queue: BatchQueue[bytes], timeout: float | None) -> bool:
        if timeout is None:
            try:
                self.settle()
            except EntriesWaiting:
                timeout = 0.0  # the queue says what it leaves behind
        return queue.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- the whole log

    def verify(self, keys: Keyring | None = None) -> Verification:
        """Whether the stored log is what was written; by the keys in `<data_dir>/keys` unless given."""
        self.settle()
        with stored_log(self._engine, self.witness) as stored:
            return verify_stored(
                stored, trusted_keys(self.keys_folder) if keys is None else keys, self._driver_url()
            )

    def _driver_url(self) -> str:
        url = driver_url(self._engine.url)
        return url if self.takes_writes or "://" in url else uri_to_read(url)

    def export(self, file: IO[bytes]) -> int:
        """Write the whole log as lines of JSON that can be verified elsewhere; how many entries that were."""
        self.settle()
        with stored_log(self._engine, self.witness) as stored:
            return exporting.export(stored, trusted_keys(self.keys_folder), file)

    def prune(self, before: datetime, *, actor: str, force: bool = False) -> int:
        """Remove the oldest entries, up to the first that is not older than `before`; how many those were.

        What is left stays verifiable: a signed record says where it begins, and an entry who did this.
        A log that does not verify is left alone (LogBroken), unless forced to begin anew.
        """
        if not force:
            pruning.refuse_broken(self.verify())
        known = self._known()
        with explained(self._engine), self._engine.begin() as connection:
            pruned = pruning.prune(
                connection, self._appender, self._signer, known, to_us(before), actor=actor, is_forced=force
            )
        if pruned is None:
            return 0
        testify(self.witness, pruned.checkpoint)
        return pruned.removed
