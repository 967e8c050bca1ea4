"""AuditService: recording in microseconds, storing in a signed chain; and what is done to a whole log."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import IO, Any, Self

from msgspec.structs import replace
from sqlalchemy import Engine, make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from rookery.base.clock import now_us, to_us
from rookery.base.ids import new_id
from rookery.base.redact import redact_text
from rookery.domains.audit import exporting, pruning
from rookery.domains.audit.appending import Appender
from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.errors import AuditClosed, EntriesWaiting
from rookery.domains.audit.events import EventTypes
from rookery.domains.audit.keys import Keyring, Signer, open_signer, trusted_keys
from rookery.domains.audit.parts import verify_stored
from rookery.domains.audit.reading import driver_url, stored_log
from rookery.domains.audit.rules import AuditEntry, check_fields, details_json, payload_of
from rookery.domains.audit.sink import ChainSink, heard, open_audit_engine, testify
from rookery.domains.audit.verdict import Verification
from rookery.domains.audit.witness import witness_of
from rookery.mechanisms.store import explained
from rookery.mechanisms.store.unit import refuse_inside_transaction
from rookery.mechanisms.writebehind.errors import DeliveryError, QueueClosed, SpoolError
from rookery.mechanisms.writebehind.queue import BatchQueue
from rookery.mechanisms.writebehind.spool import has_leftovers

log = logging.getLogger(__name__)

BATCH = 500
"""Entries per transaction and signature, when there are as many."""
LARGEST_BATCH = 2_000
LINGER = 0.02
"""Seconds an entry waits for others before it is stored."""
PATIENCE = 5.0
"""Seconds without a single entry stored, after which nobody waits for the database any longer."""


class AuditService:
    """The audit log of one database and one data directory, for any number of threads and tasks.

    With `is_async` (the default) an entry is in the spool when `record` returns, and survives the death of
    the process; otherwise it is in the database. Opened on first use; close it, or use it in a `with`.
    """

    def __init__(
        self,
        url: str,
        data_dir: Path,
        *,
        is_async: bool = True,
        capacity: int = 10_000,
        types: EventTypes | None = None,
    ) -> None:
        self.types = types or EventTypes()
        self.keys_folder = data_dir / "keys"
        self.is_async = is_async
        self.is_closed = False
        self._url = url
        self._capacity = capacity
        self._spool = data_dir / "spool" / "audit"
        self.witness = witness_of(make_url(url), data_dir)
        self._queue: BatchQueue[bytes] | None = None
        self._warm: BatchQueue[bytes] | None = None  # the queue, once it has taken its first entry
        self._opening = Lock()
        if has_leftovers(self._spool):
            self.open()

    # --- recording

    def record(
        self,
        event_type: str,
        *,
        actor: str,
        object: str,  # noqa: A002  who did what to which object
        details: dict[str, Any] | None = None,
        request_id: str = "",
        session: Session | None = None,
    ) -> AuditEntry:
        """Record that `actor` did this to `object`; the entry, with its final id and its time.

        Details are JSON of at most 64 kB; secrets in them are masked. With `session` the entry is written in
        that session's transaction, which from then on holds the chain's lock: commit soon. Raises
        UnknownEventType, EntryNotValid, AuditClosed, KeyUnusable, and what a full queue or spool raises.
        """
        entry = self._entry(event_type, actor, object, details, request_id)
        if session is not None:
            return self._written_in(session, entry, self._known())
        if not self.is_async:
            return self._written(entry)
        try:
            if self._warm is None:
                self._put_first(payload_of(entry))
            else:
                self._warm.put(payload_of(entry))
        except QueueClosed:
            raise AuditClosed from None
        return entry

    async def arecord(
        self,
        event_type: str,
        *,
        actor: str,
        object: str,  # noqa: A002
        details: dict[str, Any] | None = None,
        request_id: str = "",
        session: AsyncSession | None = None,
    ) -> AuditEntry:
        """As `record`, for coroutines: a full queue makes the task wait, and the loop goes on."""
        entry = self._entry(event_type, actor, object, details, request_id)
        if session is not None:
            return await session.run_sync(self._written_in, entry, await asyncio.to_thread(self._known))
        if not self.is_async:
            return await asyncio.to_thread(self._written, entry)
        try:
            if self._warm is None:
                await asyncio.to_thread(self._put_first, payload_of(entry))
            else:
                await self._warm.aput(payload_of(entry))
        except QueueClosed:
            raise AuditClosed from None
        return entry

    def _put_first(self, payload: bytes) -> None:
        """The first entry loads the key and makes the spool's files; all later ones find them there."""
        queue = self.open()
        queue.put(payload)
        self._warm = queue

    def _entry(
        self, event_type: str, actor: str, object_: str, details: dict[str, Any] | None, request_id: str
    ) -> AuditEntry:
        if self.is_closed:
            raise AuditClosed
        if event_type not in self.types:
            self.types.check(event_type)
        if check_fields(actor, object_, request_id):
            actor, object_, request_id = redact_text(actor), redact_text(object_), redact_text(request_id)
        return AuditEntry(new_id(), now_us(), event_type, actor, object_, request_id, details_json(details))

    def _written(self, entry: AuditEntry) -> AuditEntry:
        refuse_inside_transaction()
        known = self._known()
        with explained(self._engine), self._engine.begin() as connection:
            checkpoint = self._appender.append(connection, [payload_of(entry)], known)
        testify(self.witness, checkpoint)
        return _placed(entry, checkpoint)

    def _written_in(self, session: Session, entry: AuditEntry, known: Checkpoint | None) -> AuditEntry:
        """The witness hears of it with the next batch: this transaction may yet be rolled back."""
        return _placed(entry, self._appender.append(session.connection(), [payload_of(entry)], known))

    def _known(self) -> Checkpoint | None:
        """What appending needs from files: the key, loaded if need be, and what the witness knows."""
        _ = self._appender
        return heard(self.witness)

    # --- life

    def open(self) -> BatchQueue[bytes]:
        """Load or make the key, and start the queue, unless that has been done. Raises KeyUnusable."""
        with self._opening:
            if self._queue is None:
                sink = ChainSink(self._engine, self._appender, self.witness)
                self._queue = BatchQueue(
                    sink,
                    name="audit",
                    batch_size=BATCH,
                    largest_batch=LARGEST_BATCH,
                    batch_interval=LINGER,
                    capacity=self._capacity,
                    spool=self._spool,
                    on_error=_report,
                )
            return self._queue

    @property
    def is_ready(self) -> bool:
        """Whether `record` will return without having to open or write anything first."""
        return self.is_async and self._warm is not None

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
                stored, trusted_keys(self.keys_folder) if keys is None else keys, driver_url(self._engine.url)
            )

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

    # --- parts

    @cached_property
    def _engine(self) -> Engine:
        return open_audit_engine(self._url)

    @cached_property
    def _signer(self) -> Signer:
        return open_signer(self.keys_folder)

    @cached_property
    def _appender(self) -> Appender:
        return Appender(self._signer)


def _placed(entry: AuditEntry, checkpoint: Checkpoint) -> AuditEntry:
    """The entry with its place in the chain, being the last that the checkpoint covers."""
    return replace(entry, position=checkpoint.size, hash=checkpoint.head.hex())


def _report(error: DeliveryError | SpoolError) -> None:
    log.error("%s", error)
