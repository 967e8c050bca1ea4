"""Where the audit queue delivers: to the chain, exactly once, and then to the witness."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, Engine

from rookery.domains.audit.appending import Appender
from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.outbox import Outbox
from rookery.domains.audit.witness import Witness
from rookery.mechanisms.store import explained, open_engine
from rookery.mechanisms.writebehind.batch import Batch
from rookery.mechanisms.writebehind.sql import sql_sink

log = logging.getLogger(__name__)


class ChainSink:
    """A sink for payloads, and for names of entries that wait in the outbox.

    One transaction stores the rows, their checkpoint, and the queue's cursor.
    """

    lets_in = True

    def __init__(self, engine: Engine, appender: Appender, outbox: Outbox, witness: Witness) -> None:
        self._engine, self._appender = engine, appender
        self._outbox = outbox
        self._witness = witness
        self._store = sql_sink(engine, self._append)
        self._checkpoint: Checkpoint | None = None
        self.retire = self._store.retire

    def __call__(self, batch: Batch[bytes]) -> None:
        self._checkpoint = None  # that of an attempt which was rolled back never happened
        self._store(batch)
        if self._checkpoint is not None:
            testify(self._witness, self._checkpoint)

    def store_now(self, items: list[bytes]) -> Checkpoint | None:
        """What a batch of these would do, here and now; the checkpoint after them, if there was anything."""
        checkpoint = None
        with explained(self._engine), self._engine.begin() as connection:
            if payloads := self._outbox.resolve(connection, items):
                checkpoint = self._appender.append(connection, payloads, heard(self._witness))
        if checkpoint is not None:
            testify(self._witness, checkpoint)
        return checkpoint

    def _append(self, connection: Connection, batch: Batch[bytes]) -> None:
        if payloads := self._outbox.resolve(connection, batch):
            self._checkpoint = self._appender.append(connection, payloads, heard(self._witness), batch.let_in)


def heard(witness: Witness) -> Checkpoint | None:
    """What the witness knows, if it can be asked: when it cannot, keeping the next checkpoint will say so."""
    try:
        return witness.read()
    except OSError:
        return None


def testify(witness: Witness, checkpoint: Checkpoint) -> None:
    """Keep a committed checkpoint outside. The entries are stored, so a failure is only logged."""
    try:
        witness.advance(checkpoint)
    except OSError as error:
        log.error("cannot keep the audit checkpoint in %s: %s", witness.path, error.strerror)  # noqa: TRY400


def open_audit_engine(url: str, *, takes_writes: bool = True) -> Engine:
    """An engine whose commits reach the disk: on SQLite `synchronous=FULL`, one sync per batch.

    It is the log's own, so that an entry never waits behind others for a connection.
    """
    return open_engine(url, takes_writes=takes_writes, sync_commits=True)
