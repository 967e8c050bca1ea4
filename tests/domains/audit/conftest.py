"""An audit log on each database, and in each world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.audit.appending import Appender
from rookery.domains.audit.face import Audit
from rookery.domains.audit.keys import open_signer, trusted_keys
from rookery.domains.audit.reading import stored_log
from rookery.domains.audit.rules import AuditEntry, payload_of
from rookery.domains.audit.service import AuditService
from rookery.domains.audit.sink import testify
from rookery.domains.audit.verdict import Verification
from rookery.domains.audit.verification import verify
from rookery.domains.audit.witness import witness_of
from rookery.mechanisms.store import open_engine


def serve(url: str, data_dir: Path, **options: Any) -> AuditService:
    """A service that accepts `scan.started`."""
    service = AuditService(url, data_dir, **options)
    service.types.register("scan.started", "A run has begun.")
    service.types.register("scan.finished", "A run has ended.")
    return service


def an_entry(number: int, at_us: int | None = None) -> AuditEntry:
    """An entry whose object is its number."""
    at_us = now_us() if at_us is None else at_us
    return AuditEntry(new_id(), at_us, "scan.started", "alice", f"run {number}", "", '{"count":1}')


@pytest.fixture
def service(call: Any) -> Iterator[AuditService]:
    """A service beside the Rook of `call`."""
    with serve(call.rook.config.database_url, call.rook.data_dir) as service:
        yield service


@pytest.fixture
def audit(call: Any, service: AuditService) -> Callable[..., Any]:
    """`audit("record", …)` calls a verb of the audit face in the world of `call`."""

    def verb(name: str, *args: Any, **kwargs: Any) -> Any:
        return call(lambda rook: getattr(Audit(rook, service), name)(*args, **kwargs))

    return verb


class StoredChain:
    """A log of four batches of five entries, made without a queue, for tests that tamper with it."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.engine: Engine = open_engine(url)
        self.url, self.data_dir = url, data_dir
        self.witness = witness_of(self.engine.url, data_dir)
        self.appender = Appender(open_signer(data_dir / "keys"))
        self.written = 0
        for _ in range(4):
            self.append(5)

    def append(self, count: int) -> None:
        """One more batch, with its checkpoint, as the queue's sink writes it."""
        entries = [an_entry(self.written + number + 1) for number in range(count)]
        with self.engine.begin() as connection:
            checkpoint = self.appender.append(
                connection, [payload_of(entry) for entry in entries], self.witness.read()
            )
        testify(self.witness, checkpoint)
        self.written += count

    def tamper(self, *statements: str) -> None:
        """What somebody with the database's password can do."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def verify(self) -> Verification:
        with stored_log(self.engine, self.witness) as stored:
            return verify(stored, trusted_keys(self.data_dir / "keys"))

    def found(self) -> list[tuple[str, int]]:
        """Kind and position of every problem."""
        return [(problem.kind, problem.position) for problem in self.verify().problems]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stored(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[StoredChain]:
    """Twenty stored entries, five to a checkpoint."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    chain = StoredChain(url, data_dir)
    yield chain
    chain.engine.dispose()
