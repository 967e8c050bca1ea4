"""The exported log: lines of JSON, each with a `kind`, that verify without the database.

    {"kind":"log","format":"rookery audit 1","base":…,"witness":…,"keys":["-----BEGIN PUBLIC KEY-----…"]}
    {"kind":"entry","position":1,"id":…,"at_us":…,"event_type":…,…,"details":{…},"previous":…,"hash":…}
    {"kind":"checkpoint","size":1,"head":…,"at_us":…,"previous":…,"key_id":…,"signature":…}

Hashes and signatures are hexadecimal. The log comes first, then all entries, then all checkpoints. Details
stand as they are hashed, byte for byte: a tool that reformats them breaks their hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from rookery.base.structs import ready
from rookery.domains.audit.checkpoints import FORMAT, Base, Checkpoint, start_of
from rookery.domains.audit.errors import NotAnExport
from rookery.domains.audit.keys import Keyring, parse_public
from rookery.domains.audit.rules import LINE_BREAKS, Row
from rookery.domains.audit.verification import Log

LONGEST_LINE: Final = 1_000_000
"""Bytes; a longer one was not written here."""


class CheckpointLine(msgspec.Struct, tag_field="kind", tag="checkpoint"):
    """A checkpoint, with bytes as hexadecimal."""

    size: int
    head: str
    at_us: int
    previous: str
    key_id: str
    signature: str


class BaseLine(msgspec.Struct):
    """A prune record, with bytes as hexadecimal."""

    size: int
    head: str
    at_us: int
    before_us: int
    key_id: str
    signature: str


class EntryLine(msgspec.Struct, tag_field="kind", tag="entry"):
    """An entry, with its details as they are hashed."""

    position: int
    id: str
    at_us: int
    event_type: str
    actor: str
    object: str
    request_id: str
    details: msgspec.Raw
    previous: str
    hash: str


class LogLine(msgspec.Struct, tag_field="kind", tag="log"):
    """The first line: where the log begins, what the witness knew, and the keys that signed it."""

    format: str
    base: BaseLine | None
    witness: CheckpointLine | None
    keys: list[str]


_encode = msgspec.json.Encoder().encode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode = msgspec.json.Decoder(ready(LogLine | EntryLine | CheckpointLine)).decode


def export(log: Log, keys: Keyring, file: IO[bytes]) -> int:
    """Write the log as such lines; how many entries there were."""
    base, witness = log.base, log.witness
    _write(
        file,
        LogLine(FORMAT, base and _base_line(base), witness and _checkpoint_line(witness), keys.texts()),
    )
    entries = 0
    for row in log.rows():
        _write(file, _entry_line(row))
        entries += 1
    for checkpoint in log.checkpoints():
        _write(file, _checkpoint_line(checkpoint))
    return entries


class ExportedLog:
    """The log in an exported file. Raises NotAnExport, with the line's number, where it is none."""

    is_part = False

    def __init__(self, path: Path) -> None:
        self._path = path
        first = next(self._lines(), None)
        if not isinstance(first, LogLine) or first.format != FORMAT:
            raise NotAnExport(f"{path} does not begin as `rookery audit export` does, with format {FORMAT!r}")
        self._keys = first.keys
        self.base = _base(first.base) if first.base else None
        self.start, self.before = start_of(self.base), None
        self.witness = _checkpoint(first.witness) if first.witness else None

    def keyring(self) -> Keyring:
        """The keys that the file itself names. Raises NotAnExport for what is no key."""
        try:
            return Keyring(parse_public(pem.encode()) for pem in self._keys)
        except ValueError as error:
            raise NotAnExport(f"{self._path} names what is no Ed25519 key: {error}") from error

    def rows(self) -> Iterator[Row]:
        """The entries, in the order of the file."""
        return (_row(line) for line in self._lines() if isinstance(line, EntryLine))

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The checkpoints, in the order of the file."""
        return (_checkpoint(line) for line in self._lines() if isinstance(line, CheckpointLine))

    def _lines(self) -> Iterator[LogLine | EntryLine | CheckpointLine]:
        with self._path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                try:
                    yield _decode(line)
                except (msgspec.DecodeError, ValueError) as error:
                    raise NotAnExport(f"{self._path}, line {number}: {error}") from None


def _write(file: IO[bytes], line: msgspec.Struct) -> None:
    file.write(_encode(line) + b"\n")


def _entry_line(row: Row) -> EntryLine:
    """What somebody has put there that is no entry any more is exported all the same, as far as it goes."""
    position, payload, previous, digest = row
    lines = payload.decode(errors="replace").split("\n", LINE_BREAKS)
    id_, at_us, event_type, actor, object_, request_id, details = lines + [""] * (
        LINE_BREAKS + 1 - len(lines)
    )
    return EntryLine(
        position,
        id_,
        int(at_us) if at_us.lstrip("-").isdecimal() else 0,
        event_type,
        actor,
        object_,
        request_id,
        _details(details),
        previous.hex(),
        digest.hex(),
    )


def _details(stored: str) -> msgspec.Raw:
    """Stored details as they are; what is no JSON any more, as text."""
    if "\n" not in stored:
        with suppress(msgspec.DecodeError):
            return _decode_raw(stored)
    return msgspec.Raw(_encode(stored))


def _row(line: EntryLine) -> Row:
    fields = (line.id, str(line.at_us), line.event_type, line.actor, line.object, line.request_id)
    payload = "\n".join(fields).encode(errors="replace") + b"\n" + bytes(line.details)
    return line.position, payload, _unhex(line.previous), _unhex(line.hash)


def _checkpoint_line(checkpoint: Checkpoint) -> CheckpointLine:
    size, head, at_us, previous, key_id, signature = checkpoint
    return CheckpointLine(size, head.hex(), at_us, previous.hex(), key_id, signature.hex())


def _checkpoint(line: CheckpointLine) -> Checkpoint:
    head, previous, signature = _unhex(line.head), _unhex(line.previous), _unhex(line.signature)
    return Checkpoint(line.size, head, line.at_us, previous, line.key_id, signature)


def _base_line(base: Base) -> BaseLine:
    size, head, at_us, before_us, key_id, signature = base
    return BaseLine(size, head.hex(), at_us, before_us, key_id, signature.hex())


def _base(line: BaseLine) -> Base:
    return Base(line.size, _unhex(line.head), line.at_us, line.before_us, line.key_id, _unhex(line.signature))


def _unhex(text: str) -> bytes:
    """Bytes of hexadecimal; nothing, where somebody has put something else."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
