"""Copying a set of templates into data_dir: unpacked beside the old one, compared with it, then exchanged.

`data_dir/templates` is a link to one of the sets in `data_dir/template-sets`, so that to exchange them is one
rename: a scan finds the old set or the new one, and never half of one. The set before stays, for rollback.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rookery.base.ids import new_id
from rookery.domains.templates.errors import NothingToRollBack, SourceRefused, SyncFailed
from rookery.domains.templates.files import template_files
from rookery.domains.templates.places import FOLDER
from rookery.domains.templates.unpacking import unpack

SETS = "template-sets"
BEFORE = "before"  # in SETS: a link to the set that was in use before


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync or rollback changed: template files by their path in the set; how many there are now."""

    templates: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def sync(data_dir: Path, source: Path) -> Synced:
    """Make the templates of a folder or archive (zip, tar) those that are installed, and no others.

    SourceRefused when that is none, holds no template, or is not safe to unpack; SyncFailed when it cannot be
    written. Either way what was installed stays.
    """
    with _locked(data_dir) as sets:
        fresh = sets / new_id()
        try:
            unpack(source, fresh)
            _refuse_empty(fresh, source)
            return _exchange(data_dir, sets, fresh)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _refuse_empty(fresh: Path, source: Path) -> None:
    if not template_files(fresh, []):
        raise SourceRefused(f"Nothing was synced: there is no template (*.yaml) in {source}.")


def roll_back(data_dir: Path) -> Synced:
    """Exchange the installed set and the one before it. Raises NothingToRollBack."""
    with _locked(data_dir) as sets:
        before = sets / BEFORE
        if not before.is_dir():
            raise NothingToRollBack
        return _exchange(data_dir, sets, before.resolve())


@contextmanager
def _locked(data_dir: Path) -> Iterator[Path]:
    """The folder of sets, for one process at a time; what the disk refuses is SyncFailed."""
    sets = data_dir / SETS
    try:
        sets.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (sets / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield sets
    except OSError as error:
        raise SyncFailed(f"{SyncFailed.__doc__} {error.filename or sets}: {error.strerror}.") from None


def _exchange(data_dir: Path, sets: Path, fresh: Path) -> Synced:
    in_use = data_dir / FOLDER
    old = _adopted(in_use, sets)
    was, becomes = _contents(old) if old else {}, _contents(fresh)
    if old:
        _point(sets / BEFORE, old)
    _point(in_use, fresh)
    _forget_others(sets, {fresh.name, old.name if old else ""})
    return Synced(
        templates=len(becomes),
        added=tuple(sorted(becomes.keys() - was.keys())),
        changed=tuple(sorted(path for path in becomes.keys() & was.keys() if becomes[path] != was[path])),
        removed=tuple(sorted(was.keys() - becomes.keys())),
    )


def _adopted(in_use: Path, sets: Path) -> Path | None:
    """The set that is in use; a folder that a person made becomes a set like the others."""
    if in_use.is_symlink() or not in_use.is_dir():
        return in_use.resolve() if in_use.is_dir() else None
    return in_use.rename(sets / new_id())


def _point(link: Path, folder: Path) -> None:
    """Make `link` lead to the folder, in one step; relative, so that data_dir can be moved."""
    draft = link.with_name(f"{link.name}.{new_id()}")
    draft.symlink_to(os.path.relpath(folder, link.parent), target_is_directory=True)
    draft.replace(link)


def _forget_others(sets: Path, kept: set[str]) -> None:
    """Remove older sets, and what a process that died has left."""
    for path in sets.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _contents(folder: Path) -> dict[str, bytes]:
    """A digest of each template file by its path in the set."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest()
        for path in template_files(folder, [])
    }
