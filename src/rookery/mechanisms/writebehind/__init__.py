"""Write-behind: a bounded, batching, crash-safe queue in front of slow storage.

`BatchQueue` is the face; a sink gets a `Batch`. `sql_sink` (in `writebehind.sql`, which imports SQLAlchemy)
delivers exactly once. How it works and what it promises: docs/explanation/write-behind.md.
"""

from rookery.mechanisms.writebehind.batch import Batch, Sink
from rookery.mechanisms.writebehind.codec import RAW, Codec, json_codec
from rookery.mechanisms.writebehind.dead import DeadLetter, DeadLetters
from rookery.mechanisms.writebehind.errors import (
    CorruptRecord,
    DeliveryError,
    ItemTooLarge,
    PermanentError,
    QueueClosed,
    QueueFull,
    SpoolError,
    SpoolFull,
    TransientError,
    UnknownFormat,
)
from rookery.mechanisms.writebehind.queue import BatchQueue
from rookery.mechanisms.writebehind.retry import RetryPolicy
from rookery.mechanisms.writebehind.spool import has_leftovers
from rookery.mechanisms.writebehind.stats import Stats

__all__ = [
    "RAW",
    "Batch",
    "BatchQueue",
    "Codec",
    "CorruptRecord",
    "DeadLetter",
    "DeadLetters",
    "DeliveryError",
    "ItemTooLarge",
    "PermanentError",
    "QueueClosed",
    "QueueFull",
    "RetryPolicy",
    "Sink",
    "SpoolError",
    "SpoolFull",
    "Stats",
    "TransientError",
    "UnknownFormat",
    "has_leftovers",
    "json_codec",
]
