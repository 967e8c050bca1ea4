"""The payload files of templates: looked for upward, as nuclei does, and never outside the library."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

LARGEST_FILE = 32 << 20  # bytes
MOST_LINES = 1_000_000
LONGEST_NAME = 1000  # characters
LONGEST_SHOWN = 100
HELPERS = "helpers"  # the folder beside the templates that nuclei's own library keeps word lists in


@dataclass(frozen=True, slots=True)
class LibraryFiles:
    """The payload files of the templates in a folder, or of one template (None).

    A file lies beside its template or in a folder above, up to the library's. The one exception: a name
    that begins with `helpers/` may lie in such a folder further up, for whoever runs a part of nuclei's
    library. Links that lead out of these folders are not followed."""

    folder: Path | None = None

    def lines(self, template: str, name: str) -> tuple[str, ...]:
        """The lines that are not empty, a character per byte; LookupError when there is no such file."""
        path = PurePosixPath(name)
        if not _is_below(path) or len(name) > LONGEST_NAME:
            raise LookupError(f"the payload file {name[:60]!r} is not a path below the template's library")
        try:
            return self._found(Path(template).absolute().parent, path)
        except OSError as error:
            reason = f"the payload file {name[:60]!r} cannot be read: {error.strerror}"
            raise LookupError(reason) from None

    def _found(self, beside: Path, name: PurePosixPath) -> tuple[str, ...]:
        for folder in (beside, *beside.parents):
            root = self._root(folder, beside, name)
            candidate = folder / name
            if root is not None and candidate.is_file():
                real = candidate.resolve()
                if not real.is_relative_to(root.resolve()):
                    raise LookupError(f"the payload file {str(name)!r} is a link out of the library")
                state = real.stat()
                return _lines(real, state.st_mtime_ns, state.st_size)
        library = str(beside if self.folder is None else self.folder)[-LONGEST_SHOWN:]
        raise LookupError(f"the payload file {str(name)[:60]!r} does not exist in {library}, its library")

    def _root(self, folder: Path, beside: Path, name: PurePosixPath) -> Path | None:
        """What a file looked for in this folder must not leave; None when it is not looked for here."""
        library = beside if self.folder is None else self.folder.absolute()
        if folder.is_relative_to(library):
            return library
        return folder / HELPERS if name.parts[0] == HELPERS else None


def _is_below(path: PurePosixPath) -> bool:
    whole = bool(path.parts) and not path.is_absolute() and "\0" not in str(path)
    return whole and ".." not in path.parts


@lru_cache(maxsize=64)
def _lines(path: Path, _changed: int, size: int) -> tuple[str, ...]:
    if size > LARGEST_FILE:
        raise LookupError(f"the payload file {path.name!r} is larger than {LARGEST_FILE >> 20} MiB")
    lines = path.read_bytes().replace(b"\r\n", b"\n").decode("latin-1").split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        raise LookupError(f"the payload file {path.name!r} has more than {MOST_LINES:,} lines")
    return tuple(line for line in lines if line)
