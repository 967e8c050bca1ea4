"""Recording: an entry is safe in microseconds, and a queue brings it into the signed chain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.errors import RookeryError
from rookery.base.ids import new_id
from rookery.base.redact import redact_text
from rookery.domains.audit import outbox
from rookery.domains.audit.appending import Appender
from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.errors import AuditClosed
from rookery.domains.audit.events import EventTypes
from rookery.domains.audit.keys import Signer, open_signer
from rookery.domains.audit.outbox import Outbox
from rookery.domains.audit.rules import AuditEntry, check_fields, details_json, payload_of
from rookery.domains.audit.sink import ChainSink, heard, open_audit_engine
from rookery.domains.audit.witness import witness_of
from rookery.mechanisms.store import describe, explained, read_only
from rookery.mechanisms.store.faults import DatabaseReadOnly
from rookery.mechanisms.store.unit import refuse_inside_transaction
from rookery.mechanisms.writebehind.errors import DeliveryError, QueueClosed, SpoolError
from rookery.mechanisms.writebehind.queue import BatchQueue
from rookery.mechanisms.writebehind.spool import has_leftovers

log = logging.getLogger(__name__)

BATCH = 500
"""Entries per transaction and signature, when there are as many."""
LARGEST_BATCH = 2_000
LINGER = 0.1
"""Seconds an entry waits for others before it is stored."""


class Recorder:
    """What of an audit log is about single entries; AuditService has the rest."""

    def __init__(
        self,
        url: str,
        data_dir: Path,
        *,
        is_async: bool = True,
        takes_writes: bool = True,
        capacity: int = 10_000,
        types: EventTypes | None = None,
    ) -> None:
        self.types = types or EventTypes()
        self._known_types = self.types.names()
        self.keys_folder = data_dir / "keys"
        self.is_async = is_async
        self.takes_writes = takes_writes
        self.is_closed = False
        self._url = url
        self._capacity = capacity
        self._spool = data_dir / "spool" / "audit"
        self.witness = witness_of(make_url(url), data_dir)
        self._queue: BatchQueue[bytes] | None = None
        self._warm: BatchQueue[bytes] | None = None  # the queue, once it has taken its first entry
        self._put: Callable[[bytes], object] = self._put_first
        self._opening = Lock()
        if takes_writes and has_leftovers(self._spool):
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
            self._put(payload_of(entry))
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

    def _put_first(self, item: bytes) -> None:
        """The first entry loads the key and makes the spool's files; all later ones find them there."""
        queue = self.open()
        queue.put(item)
        self._warm, self._put = queue, queue.put

    def entry(
        self,
        event_type: str,
        *,
        actor: str,
        object: str,  # noqa: A002
        details: dict[str, Any] | None = None,
        request_id: str = "",
    ) -> AuditEntry:
        """An entry of now, recorded nowhere yet. Raises UnknownEventType, EntryNotValid, AuditClosed."""
        return self._entry(event_type, actor, object, details, request_id)

    def _entry(
        self, event_type: str, actor: str, object_: str, details: dict[str, Any] | None, request_id: str
    ) -> AuditEntry:
        if self.is_closed or not self.takes_writes:
            self._refuse()
        if event_type not in self._known_types:
            self.types.check(event_type)
        if check_fields(actor, object_, request_id):
            actor, object_, request_id = redact_text(actor), redact_text(object_), redact_text(request_id)
        return AuditEntry(new_id(), now_us(), event_type, actor, object_, request_id, details_json(details))

    def _refuse(self) -> NoReturn:
        if self.is_closed:
            raise AuditClosed
        raise DatabaseReadOnly(f"{describe(make_url(self._url))}: {DatabaseReadOnly.__doc__}")

    def write(self, connection: Connection, entries: Sequence[AuditEntry]) -> None:
        """Write entries in the connection's transaction: committed with it, or never made. Then `fetch` them.

        Unlike `record` with a session it takes no lock, and does not sign yet. Raises KeyUnusable.
        """
        self.outbox.put(connection, entries)

    def fetch(self, ids: Sequence[str]) -> None:
        """Have what `write` wrote, and has been committed, moved into the chain; raises what `record` does.

        What nobody fetches is moved with the next entry, or by the next process.
        """
        if not self.is_async:
            refuse_inside_transaction()
            self._sink.store_now([id_.encode() for id_ in ids])
            return
        try:
            for id_ in ids:
                self._put(id_.encode())
        except QueueClosed:
            raise AuditClosed from None

    def prepare(self) -> None:
        """Load or make the key. Raises KeyUnusable."""
        _ = self._signer

    def catch_up(self, engine: Engine) -> None:
        """Fetch what an earlier process wrote and did not live to fetch; what is in the way is logged."""
        with explained(engine), read_only(engine).connect() as connection:
            ids = outbox.waiting(connection)
        if ids:
            try:
                self.fetch(ids)
            except (RookeryError, OSError) as error:
                log.warning("audit entries wait in the database to be signed: %s", error)

    def _written(self, entry: AuditEntry) -> AuditEntry:
        refuse_inside_transaction()
        checkpoint = self._sink.store_now([payload_of(entry)])
        return entry if checkpoint is None else _placed(entry, checkpoint)

    def _written_in(self, session: Session, entry: AuditEntry, known: Checkpoint | None) -> AuditEntry:
        """The witness hears of it with the next batch: this transaction may yet be rolled back."""
        return _placed(entry, self._appender.append(session.connection(), [payload_of(entry)], known))

    def _known(self) -> Checkpoint | None:
        """What appending needs from files: the key, loaded if need be, and what the witness knows."""
        _ = self._appender
        return heard(self.witness)

    # --- parts

    def open(self) -> BatchQueue[bytes]:
        """Load or make the key, and start the queue, unless that has been done. Raises KeyUnusable."""
        with self._opening:
            if self._queue is None:
                self._queue = BatchQueue(
                    self._sink,
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

    @cached_property
    def _engine(self) -> Engine:
        return open_audit_engine(self._url, takes_writes=self.takes_writes)

    @cached_property
    def _signer(self) -> Signer:
        return open_signer(self.keys_folder)

    @cached_property
    def outbox(self) -> Outbox:
        """Where entries wait that were written in the transaction of what they tell of."""
        return Outbox(self._signer)

    @cached_property
    def _appender(self) -> Appender:
        return Appender(self._signer)

    @cached_property
    def _sink(self) -> ChainSink:
        return ChainSink(self._engine, self._appender, self.outbox, self.witness)


def _placed(entry: AuditEntry, checkpoint: Checkpoint) -> AuditEntry:
    """The entry with its place in the chain, being the last that the checkpoint covers."""
    return replace(entry, position=checkpoint.size, hash=checkpoint.head.hex())


def _report(error: DeliveryError | SpoolError) -> None:
    log.error("%s", error)
