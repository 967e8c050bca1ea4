"""`audit verify` over a large stored log on SQLite, as the command line calls it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.audit_record import DETAILS, database, url_of
from benchmarks.rows import Row
from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.domains.audit.appending import Appender
from rookery.domains.audit.keys import open_signer, trusted_keys
from rookery.domains.audit.reading import stored_log
from rookery.domains.audit.rules import AuditEntry, details_json, payload_of
from rookery.domains.audit.service import AuditService
from rookery.domains.audit.sink import open_audit_engine
from rookery.domains.audit.verification import verify
from rookery.domains.audit.witness import Witness, witness_of

COUNT = 1_000_000
BATCH = 500
ROUNDS = 3


def fill(folder: Path) -> Witness:
    """A log of COUNT entries, with a checkpoint after each BATCH."""
    engine = open_audit_engine(url_of(folder))
    witness = witness_of(engine.url, folder)
    appender, said, known = Appender(open_signer(folder / "keys")), details_json(DETAILS), None
    for first in range(0, COUNT, BATCH):
        payloads = [
            payload_of(AuditEntry(new_id(), now_us(), "scan.started", "alice", f"run {number}", "", said))
            for number in range(first, first + BATCH)
        ]
        with engine.begin() as connection:
            known = appender.append(connection, payloads, known)
    if known:
        witness.advance(known)
    engine.dispose()
    return witness


def one_process(folder: Path, witness: Witness) -> float:
    """Entries per second from end to end in this process."""
    engine = open_audit_engine(url_of(folder))
    started = time.perf_counter()
    with stored_log(engine, witness) as log:
        assert verify(log, trusted_keys(folder / "keys")).entries == COUNT
    rate = COUNT / (time.perf_counter() - started)
    engine.dispose()
    return rate


def all_cores(folder: Path) -> float:
    """Entries per second as `rookery audit verify` does it."""
    with AuditService(url_of(folder), folder) as service:
        started = time.perf_counter()
        verdict = service.verify()
        rate = COUNT / (time.perf_counter() - started)
    assert verdict.is_intact
    assert verdict.entries == COUNT
    return rate


def main() -> Iterator[Row]:
    """The best of some rounds."""
    with database() as folder:
        witness = fill(folder)
        single = max(one_process(folder, witness) for _ in range(ROUNDS))
        rate = max(all_cores(folder) for _ in range(ROUNDS))
    cores = len(os.sched_getaffinity(0))
    detail = f"{COUNT:,} entries of 250 bytes, {cores} cores; one process alone {single:,.0f}/s"
    yield Row("audit verify", rate, "entries/s", 500_000, "more", detail)
