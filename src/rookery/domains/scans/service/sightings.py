"""Importing what other tools found: a run like any other, so that a history says where it came from.

The file is the stream, and the number of a result in it the sequence: what was stored before a crash is not
stored again, and the same file twice changes nothing. A file closes no finding: it does not say what it
covered.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from rookery.base.errors import RookeryError, TemporaryError
from rookery.base.garbage import no_collecting
from rookery.base.redact import redact_text
from rookery.domains.findings import store as findings
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans.errors import RunIsAlive
from rookery.domains.scans.events import FindingsImported
from rookery.domains.scans.folders import RunFolder
from rookery.domains.scans.models import Run
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.reading import Reading, digest_of, format_of
from rookery.domains.scans.service.running import Prepared, begun, carried_out
from rookery.domains.scans.service.runs import bury_the_dead
from rookery.domains.scans.tools import ScanRunner
from rookery.mechanisms.dual import dual
from rookery.mechanisms.hooks import Hooks, HookSettings, Item, Warning_, load_hooks
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.writebehind import Batch

ENGINE = "import"


class ImportBroken(TemporaryError):
    """The import broke off. What was stored is kept; import the file again, and it goes on from there."""


class Imported(msgspec.Struct, frozen=True):
    """What came of an import.

    `records` are the results in the file, `bad` the lines that were none (`messages` tells the first ones),
    `new` the findings that were not there before. `again`: this very file had been imported.
    """

    run_id: str
    format: str
    records: int
    bad: int = 0
    new: int = 0
    again: bool = False
    messages: tuple[str, ...] = ()


class ImportRunner(ScanRunner):
    """Stores what is in a file, and emits it for the hooks that are configured."""

    name = ENGINE

    def __init__(self, reading: Reading, record: RecordFindings, stream: str, **options: Any) -> None:
        super().__init__((str(reading.path),), **options)
        self.run_id = self.context["run_id"] = stream
        self.messages: list[str] = []
        self._reading, self._record = reading, record
        self._is_heard = len(self.hooks) > 0
        self._number = 0

    @property
    def sighted(self) -> None:
        """Not remembered: a file may hold any number, and is read in parts by several processes."""
        return None

    async def produce(self) -> AsyncIterator[Item]:
        """What is wrong with the file, and for the hooks what is in it; read and stored beside the loop."""
        items, block = self._reading.items(), list[Item]()
        while True:
            with no_collecting():
                said, block = await self._stored(block, items)
            for item in said:
                yield item
            if not block:
                return

    async def _stored(self, block: list[Item], items: Iterator[Item]) -> tuple[list[Item], list[Item]]:
        """Store a block, and read the next while the database commits; what is to be said, and the next.

        Sooner, the one would only wait for the other's turn at the interpreter.
        """
        is_written = threading.Event()
        self._record.written = is_written.set
        storing = asyncio.to_thread(self._store, block)
        reading = asyncio.to_thread(self._next, items, is_written)
        return await asyncio.gather(storing, reading)

    def _next(self, items: Iterator[Item], is_written: threading.Event) -> list[Item]:
        is_written.wait()
        try:
            return self._reading.block(items)
        except RookeryError as error:
            self.failure = error
            return []

    def _store(self, block: list[Item]) -> list[Item]:
        found = [item for item in block if isinstance(item, Vulnerability)]
        faults = [item for item in block if isinstance(item, Warning_)]
        progress = [self._reading.progress()] if block else []
        try:
            self._keep(found)
        finally:
            self._record.written()  # it is not called where nothing had to be written, or that failed
        self.severities.update(map(attrgetter("severity"), found))
        self.messages += [fault.message for fault in faults]
        return [*(block if self._is_heard else faults), *progress]

    def _keep(self, found: list[Vulnerability]) -> None:
        if not found:
            return
        seqs = list(range(self._number + 1, self._number + len(found) + 1))
        try:
            self._record(None, Batch(found, stream=self.run_id, seqs=seqs, recovered=False))
        except Exception as error:
            self.partial = redact_text(f"The results from the {seqs[0]:,}th on are not stored: {error}")
            raise
        self._number = seqs[-1]


@dual
def import_findings(
    rook: Rook,
    /,
    path: Path,
    *,
    format_: str | None = None,
    project_id: str = "default",
    hooks: Hooks | None = None,
) -> Imported:
    """Import a file of nuclei's JSON lines or of SARIF; `format_` is one of reading.FORMATS, or found out.

    Configured hooks hear of what is imported, after it is stored; `hooks` of how far it is. Raises
    ImportFileUnusable, ImportBroken, and RunIsAlive while the same file is being imported.
    """
    kind = format_ or rook.offload(format_of, path)
    run_id = f"import-{rook.offload(digest_of, path, project_id)}"
    bury_the_dead(rook)
    if (earlier := _earlier(rook, run_id)) is not None:
        return Imported(run_id, kind, earlier, again=True)
    reading = Reading(path, kind, run_id=run_id, project_id=project_id)
    record = RecordFindings(rook.engine, rook.current_config().findings)
    runner = ImportRunner(reading, record, run_id, **_options(rook))
    runner.hooks += hooks or Hooks()
    plan = ScanPlan(run_id=run_id, endpoints=(str(path),), project_id=project_id, engine=ENGINE)
    before = findings.count(rook)
    job = Prepared(plan, runner, RunFolder(rook.data_dir, run_id), kind)
    with begun(rook, job):
        result = carried_out(rook, job)
    if not result.success:
        reason = result.errors[0] if result.errors else result.error
        raise runner.failure or ImportBroken(f"{path}: {reason} {ImportBroken.__doc__}")
    imported = Imported(
        run_id=run_id,
        format=kind,
        records=reading.records,
        bad=reading.bad,
        new=findings.count(rook) - before,
        messages=tuple(runner.messages),
    )
    rook.emit(FindingsImported(str(path), run_id, kind, imported.records, imported.bad, imported.new))
    return imported


def _earlier(rook: Rook, run_id: str) -> int | None:
    """How many results were stored when this file was imported; None when it was not, to its end."""
    with rook.transaction() as session:
        run = session.get(Run, run_id)
        if run is not None and run.status == "completed":
            return int(msgspec.json.decode(run.counts)["findings"])
        if run is not None and run.status == "running":
            raise RunIsAlive(f"{run_id}: {RunIsAlive.__doc__}")
        if run is not None:
            session.delete(run)
    return None


def _options(rook: Rook) -> dict[str, Any]:
    configured = rook.config.hooks
    heard = Hooks()
    for module in configured.modules:
        heard += rook.offload(load_hooks, module)
    return {
        "hooks": heard,
        "settings": HookSettings(configured.pool_size, configured.batch_size, configured.batch_interval),
        "spool": rook.data_dir / "spool" / "hooks",
    }
