"""Where the audit queue delivers: to the chain, exactly once, and then to the witness."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, Engine, event

from rookery.domains.audit.appending import Appender
from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.witness import Witness
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind.batch import Batch
from rookery.mechanisms.writebehind.sql import sql_sink

log = logging.getLogger(__name__)


class ChainSink:
    """A sink for payloads. One transaction stores the rows, their checkpoint, and the queue's cursor."""

    def __init__(self, engine: Engine, appender: Appender, witness: Witness) -> None:
        self._appender = appender
        self._witness = witness
        self._store = sql_sink(engine, self._append)
        self._checkpoint: Checkpoint | None = None
        self.retire = self._store.retire

    def __call__(self, batch: Batch[bytes]) -> None:
        self._checkpoint = None  # that of an attempt which was rolled back never happened
        self._store(batch)
        if self._checkpoint is not None:
            testify(self._witness, self._checkpoint)

    def _append(self, connection: Connection, batch: Batch[bytes]) -> None:
        self._checkpoint = self._appender.append(connection, batch, heard(self._witness))


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


def open_audit_engine(url: str) -> Engine:
    """An engine whose commits reach the disk: on SQLite `synchronous=FULL`, one sync per batch.

    It is the log's own, so that an entry never waits behind others for a connection.
    """
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sync_commits)
    return engine


def _sync_commits(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
