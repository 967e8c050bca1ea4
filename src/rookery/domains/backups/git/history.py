"""Reading a Git repository in which Oxidized, RANCID or another has kept configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dulwich.diff_tree import TreeChange
from dulwich.errors import NotGitRepository
from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from rookery.base.errors import NotFound

SUFFIXES = (".cfg", ".conf", ".config", ".txt", ".rsc")


class RepositoryNotFound(NotFound):
    """There is no Git repository there: name its folder, the one with HEAD or .git in it."""


class Snapshot(NamedTuple):
    """A file as a commit has left it; `moment_us` is microseconds since 1970, `author` a name."""

    path: str
    blob: ObjectID
    moment_us: int
    author: str

    @property
    def names(self) -> tuple[str, ...]:
        """What the device may be called: the name of the file, with and without its suffix."""
        name = self.path.rpartition("/")[2]
        short = [name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)]
        return (name.lower(), *(each.lower() for each in short))


class History:
    """An opened repository."""

    def __init__(self, folder: Path) -> None:
        """Raises RepositoryNotFound."""
        try:
            self._repo = Repo(str(folder))
        except NotGitRepository:
            raise RepositoryNotFound(f"{folder}: {RepositoryNotFound.__doc__}") from None

    def close(self) -> None:
        """Close its files."""
        self._repo.close()

    def snapshots(self, on_commit: Callable[[int, int], object]) -> Iterator[Snapshot]:
        """All changes of files on the current branch, the oldest first. Merges bring none of their own.

        `on_commit` is told how many commits are read, and of how many.
        """
        with suppress(KeyError):  # there is no HEAD before the first commit
            entries = list(self._repo.get_walker(reverse=True))
            for number, entry in enumerate(entries, 1):
                on_commit(number, len(entries))
                commit = entry.commit
                if len(commit.parents) > 1:
                    continue
                author = commit.author.decode("utf-8", "replace").partition(" <")[0]
                for change in entry.changes():
                    yield from _snapshot(change, commit.commit_time * 1_000_000, author)

    def text(self, blob: ObjectID) -> bytes:
        """The content of a file."""
        found = self._repo[blob]
        return found.data if isinstance(found, Blob) else b""  # a submodule has no content


def _snapshot(change: object, moment_us: int, author: str) -> Iterator[Snapshot]:
    """Of a file that is there afterwards; hidden ones are no configurations."""
    if not isinstance(change, TreeChange) or change.new is None or change.new.path is None:
        return
    path = change.new.path.decode("utf-8", "replace")
    if change.new.sha is not None and not path.rpartition("/")[2].startswith("."):
        yield Snapshot(path, change.new.sha, moment_us, author)
