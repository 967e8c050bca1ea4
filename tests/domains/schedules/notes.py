"""A type of task for the tests, which takes a note."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.registry import TaskType


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be noted."""

    text: str = "nothing"


def take(_rook: Any, _context: TaskContext, note: Note) -> str:
    return note.text


TYPES = (TaskType(name="notes.take", function=take, payload=Note),)
