"""Reading a Git repository in which Oxidized, RANCID or another has kept configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from sys import intern
from typing import NamedTuple

from dulwich.diff_tree import TreeChange, tree_changes
from dulwich.errors import NotGitRepository
from dulwich.objects import Blob, Commit, ObjectID
from dulwich.repo import Repo

from rookery.base.errors import NotFound

SUFFIXES = (".cfg", ".conf", ".config", ".txt", ".rsc")
UNPACKED = 16 << 20
"""Bytes of files that are kept to unpack others that differ little: dulwich keeps six times as many."""


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
        self._repo.object_store.delta_base_cache_limit = UNPACKED

    def close(self) -> None:
        """Close its files."""
        self._repo.close()

    def snapshots(self, on_commit: Callable[[int, int], object]) -> Iterator[Snapshot]:
        """All changes of files on the current branch, the oldest first. Merges bring none of their own.

        `on_commit` is told how many commits are read, and of how many. Only one of them is held.
        """
        ids = self._newest_first()
        for number, id_ in enumerate(reversed(ids), 1):
            on_commit(number, len(ids))
            commit = self._repo[id_]
            if isinstance(commit, Commit) and len(commit.parents) < 2:
                yield from self._of(commit)

    def _newest_first(self) -> list[ObjectID]:
        try:
            return [entry.commit.id for entry in self._repo.get_walker()]
        except KeyError:  # there is no HEAD before the first commit
            return []

    def _of(self, commit: Commit) -> Iterator[Snapshot]:
        author = intern(commit.author.decode("utf-8", "replace").partition(" <")[0])
        for change in tree_changes(self._repo.object_store, self._tree_before(commit), commit.tree):
            yield from _snapshot(change, commit.commit_time * 1_000_000, author)

    def _tree_before(self, commit: Commit) -> ObjectID | None:
        before = self._repo[commit.parents[0]] if commit.parents else None
        return before.tree if isinstance(before, Commit) else None

    def text(self, blob: ObjectID) -> bytes:
        """The content of a file."""
        found = self._repo[blob]
        return found.data if isinstance(found, Blob) else b""  # a submodule has no content


def _snapshot(change: TreeChange, moment_us: int, author: str) -> Iterator[Snapshot]:
    """Of a file that is there afterwards; hidden ones are no configurations."""
    if change.new is None or change.new.path is None:
        return
    path = intern(change.new.path.decode("utf-8", "replace"))
    if change.new.sha is not None and not path.rpartition("/")[2].startswith("."):
        yield Snapshot(path, change.new.sha, moment_us, author)
