"""The SQL store: engines, units of work, the declarative base, migrations, and what a database may refuse."""

from __future__ import annotations

from rookery.mechanisms.store.base import Base
from rookery.mechanisms.store.engines import limit_idling, open_async_engine, open_engine, read_only
from rookery.mechanisms.store.faults import DatabaseUnavailable, describe, explained
from rookery.mechanisms.store.schema import (
    SchemaUnusable,
    check_schema,
    current_revision,
    head_revision,
    migrate,
    revision_of,
    takes_writes,
)
from rookery.mechanisms.store.unit import ReadingSession, TransactionOpen, WriteInReading

__all__ = [
    "Base",
    "DatabaseUnavailable",
    "ReadingSession",
    "SchemaUnusable",
    "TransactionOpen",
    "WriteInReading",
    "check_schema",
    "current_revision",
    "describe",
    "explained",
    "head_revision",
    "limit_idling",
    "migrate",
    "open_async_engine",
    "open_engine",
    "read_only",
    "revision_of",
    "takes_writes",
]
