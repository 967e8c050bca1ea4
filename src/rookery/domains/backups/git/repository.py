"""A bare Git repository that only this writes to: a commit for each change, by dulwich."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from dulwich.errors import NotGitRepository
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from rookery.base.errors import ConfigError, TemporaryError

if TYPE_CHECKING:
    from rookery.domains.backups.git.placing import Change

BRANCH: Final = Ref(b"refs/heads/main")
NOWHERE: Final = ObjectID(b"0" * 40)
FILE: Final = 0o100644
FOLDER: Final = 0o040000
MOST_LOOSE: Final = 6000
"""Loose objects from which on they are packed: so many make Git itself tidy up."""


Kind = TypeVar("Kind", bound=ShaFile)


class MirrorMoved(TemporaryError):
    """Somebody else has committed to the mirror meanwhile: it is read again."""


class Repository:
    """Reads and writes the branch `main`."""

    def __init__(self, folder: Path) -> None:
        """Open it, made if need be; one process at a time. Raises ConfigError of another's folder."""
        self._repo = _opened(folder)
        _unlock(folder)
        self._store = self._repo.object_store
        self._head: ObjectID | None = self._repo.refs.as_dict().get(BRANCH)

    def close(self) -> None:
        """Close its files."""
        self._repo.close()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was committed yet."""
        return self._head is None

    def messages(self) -> Iterator[str]:
        """Of its commits, the newest first."""
        at = self._head
        while at is not None:
            commit = _as(Commit, self._repo[at])
            yield commit.message.decode("utf-8", "replace")
            at = commit.parents[0] if commit.parents else None

    def commit(self, changes: Sequence[Change]) -> int:
        """One commit each; how many. The branch moves once, past all of them or none. Raises MirrorMoved."""
        before = head = self._head
        tree = self._tree(head)
        for change in changes:
            if change.former:
                tree = self._with(tree, _parts(change.former), None)
            if change.path:
                tree = self._with(tree, _parts(change.path), self._added(Blob.from_string(change.text)))
            head = self._added(_commit(change, tree, head))
        if head is not None and head != before:
            if not self._repo.refs.set_if_equals(BRANCH, before or NOWHERE, head):
                raise MirrorMoved
            self._head = head
        return len(changes)

    def tidy(self) -> None:
        """Pack loose objects once they are many."""
        if self._store.count_loose_objects() > MOST_LOOSE:
            self._store.pack_loose_objects()

    def _added(self, thing: ShaFile) -> ObjectID:
        self._store.add_object(thing)
        return thing.id

    def _tree(self, head: ObjectID | None) -> Tree:
        if head is None:
            return Tree()
        return self._folder(_as(Commit, self._repo[head]).tree)

    def _folder(self, id_: ObjectID) -> Tree:
        return _as(Tree, self._repo[id_])

    def _with(self, tree: Tree, parts: Sequence[bytes], blob: ObjectID | None) -> Tree:
        """The tree, stored, with a blob in a place, or with nothing there."""
        name, *deeper = parts
        if deeper:
            inner = self._folder(tree[name][1]) if name in tree else Tree()
            inner = self._with(inner, deeper, blob)
            _place(tree, name, FOLDER, inner.id if len(inner) else None)
        else:
            _place(tree, name, FILE, blob)
        self._store.add_object(tree)
        return tree


def _opened(folder: Path) -> Repo:
    if not folder.exists() or not any(folder.iterdir()):
        _make(folder)
    try:
        repo = Repo(str(folder))
    except NotGitRepository:
        raise ConfigError(f"backups.mirror: {folder} is there, but no Git repository.") from None
    if not repo.bare:
        repo.close()
        raise ConfigError(f"backups.mirror: {folder} is somebody's working copy; name a bare repository.")
    return repo


def _make(folder: Path) -> None:
    """Beside its place, so that a kill leaves no half of one there."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    Repo.init_bare(str(new), default_branch=BRANCH.rpartition(b"/")[2]).close()
    new.rename(folder)


def _unlock(folder: Path) -> None:
    """Remove the locks of a process that was killed: a lock file of Git outlives whoever made it."""
    for lock in (*folder.glob("objects/*/*.lock"), *folder.glob("refs/heads/*.lock")):
        lock.unlink()


def _as(kind: type[Kind], thing: ShaFile) -> Kind:
    """Raises ConfigError of a repository that somebody else has written to in strange ways."""
    if not isinstance(thing, kind):
        raise ConfigError(f"backups.mirror: {thing.id.decode()} is no {kind.__name__.lower()}.")
    return thing


def _place(tree: Tree, name: bytes, mode: int, id_: ObjectID | None) -> None:
    if id_ is not None:
        tree[name] = (mode, id_)
    elif name in tree:
        del tree[name]


def _commit(change: Change, tree: Tree, parent: ObjectID | None) -> Commit:
    commit = Commit()
    commit.tree = tree.id
    commit.parents = [parent] if parent else []
    commit.author = commit.committer = _person(change.author)
    commit.author_time = commit.commit_time = change.seconds
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = change.message.encode()
    return commit


def _person(name: str) -> bytes:
    """As Git writes it, whose marks a name must not have."""
    plain = re.sub(r"[<>\x00-\x1f]", "_", name).strip() or "unknown"
    return f"{plain} <{re.sub(r'[^A-Za-z0-9._+-]', '_', plain)}@rookery>".encode()


def _parts(path: str) -> list[bytes]:
    return [part.encode() for part in path.split("/")]
