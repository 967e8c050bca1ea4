"""What tasks leave in files: listed, read, and removed when its time has come."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from rookery.base.clock import now, to_us
from rookery.mechanisms.artifacts import Artifact, ArtifactFolder
from rookery.mechanisms.dual import dual, dual_read, dual_stream
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks import looking
from rookery.mechanisms.tasks.models import Task

CHUNK = 64 << 10
"""Bytes that are read at a time."""

ASKED_AT_ONCE = 500


@dual
def artifacts(rook: Rook, /, task_id: str) -> list[Artifact]:
    """The files that a task has left on this machine, by name. Raises TaskNotFound."""
    return rook.offload(_files(rook, task_id).list)


@dual_stream
def read_artifact(rook: Rook, /, task_id: str, name: str) -> Iterator[bytes]:
    """A file of a task, piece by piece. The first piece raises TaskNotFound, ArtifactNotFound."""
    yield from streamed(rook, _files(rook, task_id), name)


def streamed(rook: Rook, files: ArtifactFolder, name: str) -> Iterator[bytes]:
    """A file, piece by piece, read beside the loop if there is one."""
    file = rook.offload(files.open, name)
    try:
        while piece := rook.offload(file.read, CHUNK):
            yield piece
    finally:
        file.close()


def _files(rook: Rook, task_id: str) -> ArtifactFolder:
    task, types = looking.get(rook, task_id), rook.queue.types
    elsewhere = types[task.type].files if task.type in types else None
    return elsewhere(rook.data_dir, task) if elsewhere else folder_of(rook.data_dir, task.id)


def folder_of(data_dir: Path, task_id: str) -> ArtifactFolder:
    """Where a task of any type may leave files."""
    return ArtifactFolder(Path(path_of(data_dir, task_id)))


def path_of(data_dir: str | Path, task_id: str) -> str:
    """The same, for every task that is begun: pathlib would take a tenth of what that costs."""
    return f"{data_dir}/artifacts/{task_id}"


def sweep(rook: Rook) -> None:
    """Delete the files whose task has ended `queue.artifact_days` ago, or is not there any more."""
    here = rook.offload(_names, rook.data_dir / "artifacts")
    days = rook.current_config().queue.artifact_days
    since = to_us(now() - timedelta(days=days)) if days else 0
    for doomed in sorted(set(here) - _kept(rook, here, since)):
        rook.offload(folder_of(rook.data_dir, doomed).remove)


def _names(folder: Path) -> list[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


@dual_read
def _kept(session: Session, /, task_ids: Collection[str], since_us: int) -> set[str]:
    """Those of these tasks that have not ended before that moment."""
    ids = list(task_ids)
    kept: set[str] = set()
    for at in range(0, len(ids), ASKED_AT_ONCE):
        wanted = select(Task.id).where(Task.id.in_(ids[at : at + ASKED_AT_ONCE]))
        has_time = Task.finished_us.is_(None) | (Task.finished_us >= since_us)
        kept.update(session.scalars(wanted.where(has_time)))
    return kept
