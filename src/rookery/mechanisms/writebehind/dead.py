"""Dead letters: items the sink refuses for good, kept with the reason and everything needed to send them
again.
"""

from __future__ import annotations

import base64
import errno
import json
import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rookery.base.clock import now_us

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE = "dead.jsonl"
KEPT_IN_MEMORY = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused item. `id` is its key, or its seq where the queue has none; (stream, seq) is unique."""

    stream: str
    seq: int
    id: str
    error: str
    payload: bytes
    at_us: int

    def as_line(self) -> bytes:
        """One line of JSON: the payload as `text` where it is UTF-8, else as `base64`."""
        row: dict[str, Any] = {"stream": self.stream, "seq": self.seq, "id": self.id, "error": self.error}
        row["at_us"] = self.at_us
        try:
            row["text"] = self.payload.decode()
        except UnicodeDecodeError:
            row["base64"] = base64.b64encode(self.payload).decode()
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"


class DeadLetters:
    """The newest letters in memory; all of them in `dead.jsonl` where the queue has a spool."""

    def __init__(self, spool: Path | None) -> None:
        self._path = None if spool is None else spool / FILE
        self._recent: deque[DeadLetter] = deque(maxlen=KEPT_IN_MEMORY)

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(tuple(self._recent))

    def __len__(self) -> int:
        return len(self._recent)

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Keep the letters. Raises OSError if the file cannot take them; then nothing may be acknowledged."""
        letters = list(letters)
        if self._path is not None:
            append(self._path, b"".join(letter.as_line() for letter in letters))
        self._recent.extend(letters)


def letter(stream: str, seq: int, id_: str, error: str, payload: bytes) -> DeadLetter:
    """A letter dated now."""
    return DeadLetter(stream, seq, id_, error, payload, now_us())


def append(path: Path, lines: bytes) -> None:
    """One O_APPEND write, so that processes never mix their lines; a line cut by a full disk is ended, and
    refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(handle, lines)
        if written < len(lines):
            os.write(handle, b"\n")
            raise OSError(errno.ENOSPC, f"{path}: no room for the dead letters")
    finally:
        os.close(handle)
