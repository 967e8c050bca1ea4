"""Looking at runs, finding those whose process has died, and forgetting old ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from rookery.base.clock import now, to_us
from rookery.domains.scans import store
from rookery.domains.scans.events import RunAbandoned, RunsPruned
from rookery.domains.scans.folders import RunFolder, folders
from rookery.domains.scans.models import Run
from rookery.domains.scans.service.announcing import announce
from rookery.domains.scans.service.noting import note_down
from rookery.mechanisms.artifacts import Artifact, ArtifactFolder
from rookery.mechanisms.dual import dual, dual_stream
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.artifacts import streamed

LISTED = 20  # ids that an audit entry names; it says how many there were


@dual
def runs(
    rook: Rook, /, *, project_id: str | None = None, status: str | None = None, limit: int | None = 20,
    before: tuple[int, str] | None = None,
) -> list[Run]:  # fmt: skip
    """The latest runs, the newest first; one whose process has died is `abandoned` when this returns.

    For the next page pass `started_us` and id of the last as `before`.
    """
    bury_the_dead(rook)
    return store.runs(rook, project_id=project_id, status=status, limit=limit, before=before)


@dual
def run(rook: Rook, /, run_id: str) -> Run:
    """The run with this id, or whose id alone begins with it. Raises RunNotFound."""
    bury_the_dead(rook)
    return store.get_run(rook, run_id)


@dual
def artifacts(rook: Rook, /, run_id: str) -> list[Artifact]:
    """The files of a run. Raises RunNotFound."""
    return rook.offload(_files(rook, run_id).list)


@dual_stream
def read_artifact(rook: Rook, /, run_id: str, name: str) -> Iterator[bytes]:
    """A file of a run, piece by piece. The first piece raises RunNotFound, ArtifactNotFound."""
    yield from streamed(rook, _files(rook, run_id), name)


def _files(rook: Rook, run_id: str) -> ArtifactFolder:
    return RunFolder(rook.data_dir, store.get_run(rook, run_id).id).files


@dual
def prune_runs(rook: Rook, /, before: datetime) -> list[str]:
    """Delete the runs that began before this moment, and their files; the ids. What they found stays.

    A run that is under way is left alone, whenever it began. Folders without a run go, too.
    """
    bury_the_dead(rook)
    with rook.transaction() as session:
        ids = store.delete_runs(session, before_us=to_us(before))
        if ids:
            rook.emit(RunsPruned(before.isoformat(timespec="seconds"), len(ids), tuple(ids[:LISTED])))
    known = frozenset(store.run_ids(rook))
    rook.offload(_sweep, rook.data_dir, known)
    return ids


def _sweep(data_dir: Path, known: Collection[str]) -> None:
    """Remove the folders of runs that are not known; one that a beginning run holds is about to be."""
    for folder in folders(data_dir):
        if folder.run_id not in known and not folder.is_held:
            folder.files.remove()


def prune_expired(rook: Rook) -> None:
    """Delete what is older than `runs.keep_days`."""
    if days := rook.current_config().runs.keep_days:
        prune_runs(rook, now() - timedelta(days=days))


def bury_the_dead(rook: Rook) -> None:
    """Say of the runs whose process has died that they are abandoned.

    The lock of a run's folder says so, for the kernel frees it. Where there is no folder, the run is another
    machine's, which shares the database, and is left alone; a SQLite file is not shared, so there it is dead.
    """
    running = store.runs(rook, status="running", limit=None)
    for run in running:
        if rook.offload(_is_dead, rook, run.id):
            _bury(rook, run.id)


def _bury(rook: Rook, run_id: str) -> None:
    with rook.transaction() as session:
        run = store.abandon_run(session, run_id)
        if run is not None:
            announce(rook, session, run)
            rook.emit(RunAbandoned(run_id))
    if run is not None:
        note_down(rook, RunFolder(rook.data_dir, run_id), run, "its process has died")


def _is_dead(rook: Rook, run_id: str) -> bool:
    folder = RunFolder(rook.data_dir, run_id)
    if not folder.exists:
        return rook.engine.dialect.name == "sqlite"
    return not folder.is_held
