"""Reading what other tools found, from a file: nuclei's JSON lines, or SARIF; bounded, a block at a time.

A line that is no result is told with its number and left out; it never costs its neighbours.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from rookery.base.errors import Invalid
from rookery.domains.findings.formats import nuclei, sarif
from rookery.domains.findings.items import Vulnerability
from rookery.mechanisms.hooks import Item, Progress, Warning_

FORMATS = ("nuclei", "sarif")

BLOCK = 5_000  # results: the more in one transaction, the fewer times each page of an index is written
LARGEST_BLOCK = 8 << 20  # bytes of lines, which may bring their evidence
LARGEST_SARIF = 256 << 20  # bytes: a SARIF log is one document, and has to be read whole
BUFFER = 256 << 10
SNIFFED = 64 << 10
TOLD = 100  # faults that are told one by one


class ImportFileUnusable(Invalid):
    """The file cannot be read as nuclei's JSON lines or as SARIF 2.1.0."""


def format_of(path: Path) -> str:
    """What is in a file, by its beginning. Raises ImportFileUnusable."""
    try:
        with path.open("rb") as file:
            start = file.read(SNIFFED)
    except OSError as error:
        raise ImportFileUnusable(f"{path}: {error.strerror}.") from error
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    is_result = b'"template-id"' in first or b'"templateID"' in first
    return "sarif" if (not is_result and b'"runs"' in start) or b"sarif" in first else "nuclei"


def digest_of(path: Path, project_id: str) -> str:
    """What makes this file in this project one import, however often it is imported: 32 hex digits."""
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ImportFileUnusable(f"{path}: {error.strerror}.") from error
    return hashlib.sha256(content + project_id.encode()).hexdigest()[:32]


class Reading:
    """The items of one file, a block at a time; `records` and `bad` count what was in it."""

    def __init__(self, path: Path, format_: str, *, run_id: str, project_id: str) -> None:
        self.records = 0
        self.bad = 0
        self.size = self.bytes_read = 0
        self.path, self._format = path, format_
        self._has_any, self._first_fault = False, ""
        self._about: dict[str, Any] = {"run_id": run_id, "project_id": project_id}

    def block(self, items: Iterator[Item]) -> list[Item]:
        """The next of its `items`; none at the end. Raises ImportFileUnusable."""
        block: list[Item] = []
        begin = self.bytes_read
        for item in items:
            block.append(item)
            if len(block) == BLOCK or self.bytes_read - begin > LARGEST_BLOCK:
                break
        return block

    def items(self) -> Iterator[Item]:
        """Sightings, and a warning for each of the first faults."""
        yield from self._of_sarif() if self._format == "sarif" else self._of_nuclei()
        if self.bad > TOLD:
            yield Warning_(message=f"{self.path}: {self.bad - TOLD} more faults like these")

    def progress(self) -> Progress:
        """How far it is, by the bytes of the file."""
        percent = 100 * self.bytes_read / self.size if self.size else 100.0
        return Progress(percent=min(percent, 100.0), detail=f"{self.records} results")

    def _of_nuclei(self) -> Iterator[Item]:
        try:
            with self.path.open("rb", buffering=BUFFER) as file:
                self.size = os.fstat(file.fileno()).st_size
                for number, line in _lines(file):
                    self.bytes_read += len(line)
                    if (item := self._result(number, line)) is not None:
                        yield item
        except OSError as error:
            raise ImportFileUnusable(f"{self.path}: {error.strerror}.") from error
        if self.bad and not self._has_any:
            raise ImportFileUnusable(
                f"{self.path} is neither nuclei's JSON lines nor SARIF 2.1.0: {self._first_fault}."
            )

    def _result(self, number: int, line: bytes) -> Item | None:
        try:
            record = nuclei.read(line)
        except nuclei.BadRecord as fault:
            return self._fault(f"line {number}: {fault}")
        self._has_any = True
        if not record.matcher_status:
            return None
        self.records += 1
        return nuclei.sighting(record, **self._about)

    def _of_sarif(self) -> Iterator[Item]:
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST_SARIF + 1)
        except OSError as error:
            raise ImportFileUnusable(f"{self.path}: {error.strerror}.") from error
        if len(data) > LARGEST_SARIF:
            raise ImportFileUnusable(f"{self.path}: more than {LARGEST_SARIF >> 20} MB; split it.")
        try:
            for found in sarif.sightings(data, **self._about):
                if isinstance(found, Vulnerability):
                    self.records += 1
                    yield found
                elif (fault := self._fault(found)) is not None:
                    yield fault
        except sarif.NotSarif as error:
            raise ImportFileUnusable(f"{self.path}: {error}.") from None

    def _fault(self, what: str) -> Item | None:
        self.bad += 1
        self._first_fault = self._first_fault or what
        return Warning_(message=f"{self.path}: {what}") if self.bad <= TOLD else None


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers; of one that is too long, only its beginning."""
    number = 0
    while line := file.readline(nuclei.LONGEST_LINE + 1):
        number += 1
        rest = line
        while len(rest) > nuclei.LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(nuclei.LONGEST_LINE + 1)
        if line.strip():
            yield number, line
