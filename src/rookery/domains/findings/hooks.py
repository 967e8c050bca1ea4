"""The hook through which sightings reach the finding table: batched, crash-safe, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine

from rookery.base.config import Findings as Policy
from rookery.domains.findings.sightings import upsert
from rookery.mechanisms.hooks import EVENTS, Batching, HookFunction, Hooks
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind import Batch
from rookery.mechanisms.writebehind.sql import sql_sink

LARGEST_BATCH = 1000  # sightings per transaction in a backlog: more make it no cheaper


class RecordFindings:
    """Writes the sightings of a batch in one transaction. Pickled as its database URL and its policy.

    `written` is called when nothing is left to do but to commit, which waits for the disk.
    """

    def __init__(self, engine: Engine, policy: Policy | None = None) -> None:
        self._engine, self._policy = engine, policy or Policy()
        self.written: Callable[[], object] = bool

        def write(connection: Connection, batch: Batch[Any]) -> None:
            upsert(connection, batch, self._policy)
            self.written()

        self._sink = sql_sink(engine, write)

    def __call__(self, _runner: object, items: Batch[Any]) -> None:
        self._sink(items)

    def retire(self, stream: str) -> None:
        """Forget how far a stream has been stored, which has ended."""
        self._sink.retire(stream)

    def close(self) -> None:
        """Close the connections; only for one that another process has unpickled."""
        self._engine.dispose()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._engine.url.render_as_string(hide_password=False), self._policy)


def _reopened(url: str, policy: Policy) -> RecordFindings:
    return RecordFindings(open_engine(url), policy)


def recording(engine: Engine, policy: Policy | None = None) -> Hooks:
    """The hooks that keep what a run finds; `policy` is the configured [findings], which sets due dates."""
    record = RecordFindings(engine, policy)
    return Hooks([HookFunction(EVENTS["on_item"], record, Batching(largest_batch=LARGEST_BATCH))])
