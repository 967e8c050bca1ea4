"""What became of each template's file when it was read, kept between runs: reading 10,000 takes seconds.

One file in `data_dir/cache/templates`, by the SHA-256 of each template. It holds data, never code; whatever
is damaged, foreign or made by another version of the engine is left aside and made anew."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from rookery.base.structs import ready
from rookery.mechanisms.engine import (
    NO_FILES,
    MissingFile,
    PayloadFiles,
    Template,
    TemplateError,
    UnsupportedTemplate,
    load_template,
)
from rookery.mechanisms.engine.stored import Stored, code_stamp, restore_template, store_template

MAGIC = b"rookery templates 1\n"
NAME = "parsed"
LARGEST = 64 << 20  # bytes of the whole file, four times what 10,000 templates take
DIGEST = hashlib.sha256().digest_size
HEADER = len(MAGIC) + 2 * DIGEST + DIGEST  # the code's stamp is in hex
OVERHEAD = DIGEST + 16  # bytes of an entry beside what it holds


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """A file that is no template that runs, and why."""

    is_valid: bool
    reason: str
    line: int | None


class Known(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """A template that runs."""

    stored: Stored


ENTRY = msgspec.msgpack.Decoder(ready(Known | Refused))
ENTRIES = msgspec.msgpack.Decoder(dict[bytes, bytes])


class TemplateCache:
    """Reads templates, those it knows quickly. `save` keeps what was read for the next time.

    Without a folder nothing is kept, and templates are compiled at once rather than when first run.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._path = folder / NAME if folder else None
        self._known = _read(self._path) if self._path else {}
        self._used: dict[bytes, bytes] = {}
        self._is_new = False

    @property
    def known(self) -> int:
        """How many files it knows."""
        return len(self._known)

    def load(self, data: bytes, *, path: str, files: PayloadFiles = NO_FILES) -> Template:
        """The template in a file's bytes. TemplateError or UnsupportedTemplate as `load_template`; that a
        payload file is missing is looked at each time."""
        if self._path is None:
            return load_template(data, path=path, files=files)
        digest = hashlib.sha256(data).digest()
        encoded = self._known.get(digest)
        if encoded is None:
            encoded = self._known[digest] = msgspec.msgpack.encode(_entry(data, path, files))
            self._is_new = True
        self._used[digest] = encoded
        entry = ENTRY.decode(encoded)
        if isinstance(entry, Known):
            return restore_template(entry.stored, path=path, files=files)
        if entry.is_valid:
            raise UnsupportedTemplate(entry.reason, path=path)
        raise TemplateError(entry.reason, path=path, line=entry.line)

    def save(self) -> None:
        """Keep what was read, what was used last first. A disk that takes nothing costs only time."""
        if self._path is None or not self._is_new:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write(self._path, bounded({**self._used, **self._known}))
            self._is_new = False


def _entry(data: bytes, path: str, files: PayloadFiles) -> Known | Refused:
    try:
        return Known(store_template(data, path=path, files=files))
    except TemplateError as error:
        return Refused(False, error.reason, error.line)
    except MissingFile:
        raise
    except UnsupportedTemplate as error:
        return Refused(True, error.reason, None)


def _header(payload: bytes) -> bytes:
    return MAGIC + code_stamp().encode() + hashlib.sha256(payload).digest()


def _read(path: Path) -> dict[bytes, bytes]:
    """The entries in a file; none when it is not there, or not one of ours and whole."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        payload = data[HEADER:]
        return ENTRIES.decode(payload) if data[:HEADER] == _header(payload) else {}
    except (OSError, msgspec.DecodeError):
        return {}


def _write(path: Path, entries: dict[bytes, bytes]) -> None:
    payload = msgspec.msgpack.encode(entries)
    handle, name = tempfile.mkstemp(prefix=f"{NAME}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_header(payload) + payload)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def bounded(entries: dict[bytes, bytes], most: int = LARGEST) -> dict[bytes, bytes]:
    """As many entries as there is room for, the first first."""
    kept: dict[bytes, bytes] = {}
    for digest, encoded in entries.items():
        most -= len(encoded) + OVERHEAD
        if most < 0:
            break
        kept[digest] = encoded
    return kept
