"""A folder or archive that somebody gives, copied file by file, within bounds and within its folder."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from rookery.domains.templates.errors import SourceRefused

MOST_FILES = 100_000
MOST_BYTES = 1 << 30  # of all files together
LARGEST_FILE = 64 << 20  # bytes; payload lists are the longest
CHUNK = 1 << 20
KINDS = frozenset(
    {"http", "dns", "file", "network", "tcp", "ssl", "headless", "code", "javascript", "cloud", "workflows"}
)

Entry = tuple[str, Callable[[], IO[bytes] | None]]


def unpack(source: Path, into: Path) -> None:
    """Copy every plain file of a folder, zip or tar archive into a new folder; hidden ones are left behind.

    A folder that holds everything in an archive, `nuclei-templates-10.1.0/`, is taken off. SourceRefused for
    another kind of file, a path that leads out, or more and larger files than a set of templates has.
    """
    into.mkdir(mode=0o700)
    try:
        bounds = _Bounds(into)
        for name, opens in _entries(source):
            if (place := _place(name)) and (file := opens()):
                with file:
                    bounds.copy(place, file)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError) as error:
        raise SourceRefused(f"Nothing was synced: {source} is a broken archive: {error}.") from None
    if not source.is_dir():
        _take_off_outer_folder(into)


def _entries(source: Path) -> Iterator[Entry]:
    """The plain files in a source, by their paths in it; links and devices are passed over."""
    if source.is_dir():
        return _in_folder(source)
    if not source.is_file():
        hint = " Rookery downloads nothing: git clone it first, and name the folder." * (":/" in str(source))
        raise SourceRefused(f"Nothing was synced: there is no folder or archive {source}.{hint}")
    if zipfile.is_zipfile(source):
        return _in_zip(source)
    if tarfile.is_tarfile(source):
        return _in_tar(source)
    raise SourceRefused(f"Nothing was synced: {source} is neither a folder nor a zip or tar archive.")


def _in_folder(source: Path) -> Iterator[Entry]:
    for folder, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(source).as_posix(), partial(_opened, path)


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _in_zip(source: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                yield info.filename, partial(archive.open, info)


def _in_tar(source: Path) -> Iterator[Entry]:
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isreg():
                yield member.name, partial(archive.extractfile, member)


def _place(name: str) -> PurePosixPath | None:
    """Where a file goes inside the set; None for a hidden one. SourceRefused for a path that leads out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts:
        return None
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in name:
        raise SourceRefused(f"Nothing was synced: the path {ascii(name)[:200]} leads out of the archive.")
    return None if any(part.startswith(".") for part in path.parts) else path


class _Bounds:
    """Copies files until there are too many of them."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._files = self._bytes = 0

    def copy(self, place: PurePosixPath, file: IO[bytes]) -> None:
        self._files += 1
        if self._files > MOST_FILES:
            raise SourceRefused(f"Nothing was synced: there are more than {MOST_FILES:,} files.")
        target = self._into / place
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("wb") as copy:
            for chunk in iter(partial(file.read, CHUNK), b""):
                self._bytes += len(chunk)
                if copy.tell() + len(chunk) > LARGEST_FILE or self._bytes > MOST_BYTES:
                    raise SourceRefused(
                        f"Nothing was synced: {ascii(str(place))[:200]} is larger than {LARGEST_FILE >> 20} "
                        f"MiB, or all files together than {MOST_BYTES >> 20} MiB."
                    )
                copy.write(chunk)


def _take_off_outer_folder(into: Path) -> None:
    inner = list(into.iterdir())
    if len(inner) == 1 and inner[0].is_dir() and inner[0].name not in KINDS:
        outer = inner[0].rename(into.with_name(f"{into.name}.outer"))
        into.rmdir()
        outer.rename(into)
