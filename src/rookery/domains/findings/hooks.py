"""The hook through which sightings reach the finding table: batched, crash-safe, exactly once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from rookery.domains.findings import store
from rookery.mechanisms.hooks import EVENTS, Batching, HookFunction, Hooks
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.writebehind import Batch
from rookery.mechanisms.writebehind.sql import sql_sink

LARGEST_BATCH = 1000  # sightings per transaction in a backlog: more make it no cheaper


class RecordFindings:
    """Writes the sightings of a batch in one transaction. Pickled as its database URL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sink = sql_sink(engine, store.upsert)

    def __call__(self, _runner: object, items: Batch[Any]) -> None:
        self._sink(items)

    def retire(self, stream: str) -> None:
        """Forget how far a stream has been stored, which has ended."""
        self._sink.retire(stream)

    def close(self) -> None:
        """Close the connections; only for one that another process has unpickled."""
        self._engine.dispose()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._engine.url.render_as_string(hide_password=False),)


def _reopened(url: str) -> RecordFindings:
    return RecordFindings(open_engine(url))


def recording(engine: Engine) -> Hooks:
    """The hooks that keep what a run finds."""
    return Hooks(
        [HookFunction(EVENTS["on_item"], RecordFindings(engine), Batching(largest_batch=LARGEST_BATCH))]
    )
