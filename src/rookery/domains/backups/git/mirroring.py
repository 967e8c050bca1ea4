"""The mirror: each new version is a commit in a bare Git repository, behind whoever takes the backup.

A kill between the commits and what the database knows of them is made good by the next batch: commits say
which version they are.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine

from rookery.base.config import Config
from rookery.base.errors import ConfigError, RookeryError
from rookery.domains.backups.events import BackupTaken, HistoryImported
from rookery.domains.backups.git import positions
from rookery.domains.backups.git.positions import Missing, Position
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.writebehind import BatchQueue

if TYPE_CHECKING:
    from rookery.domains.backups.git.repository import Change, Repository

log = logging.getLogger(__name__)

BATCH: Final = 200
"""Versions between two moves of the branch."""
INTERVAL: Final = 1.0
CLOSING: Final = 10.0
TRAILER: Final = "Rookery-Version: "
LISTENED: Final = (BackupTaken, HistoryImported)


class Mirror:
    """Hears of new versions; its queue brings them to the repository."""

    def __init__(self, config: Config, engine: Engine) -> None:
        """Raises ConfigError without dulwich."""
        self._folder, self._engine = folder_of(config), engine
        self._knows_all = False
        self._queue = BatchQueue[bytes](
            self._deliver, name="mirror", key=bytes, batch_size=BATCH, batch_interval=INTERVAL,
            spool=config.data_dir / "spool" / "mirror",
        )  # fmt: skip

    def listeners(self) -> dict[type, tuple[Any, ...]]:
        """What a Rook is to call."""
        return dict.fromkeys(LISTENED, (self._hear,))

    def _hear(self, rook: Rook, event: BackupTaken | HistoryImported) -> None:
        if isinstance(event, BackupTaken) and not event.changed:
            return
        try:
            rook.offload(self._queue.put, event.device_id.encode())
        except RookeryError as error:
            log.warning("%s: its change comes to the mirror with the next one: %s", event.device, error)

    def _deliver(self, batch: Sequence[bytes]) -> None:
        """The first batch of a process looks for what others have left undone, too."""
        named = [item.decode() for item in batch]
        others = [] if self._knows_all else positions.behind(self._engine)
        bring_up(self._folder, self._engine, list(dict.fromkeys((*named, *others))))
        self._knows_all = True

    def close(self) -> None:
        """Bring over what is waiting; what cannot be is left to the next process."""
        self._queue.close(CLOSING)


def folder_of(config: Config) -> Path:
    """Where the mirror is. Raises ConfigError where there is to be none, or none can be."""
    if not config.backups.mirror:
        raise ConfigError("backups.mirror names no repository: set it to a path, or to mirror.git.")
    if find_spec("dulwich") is None:
        raise ConfigError("backups.mirror needs dulwich: pip install 'rookery[git]'")
    return config.data_dir / config.backups.mirror


@dual
def mirror(rook: Rook, /) -> int:
    """Bring the Git mirror up to date now; how many versions were missing. Raises ConfigError."""
    folder, engine = folder_of(rook.config), rook.engine
    return rook.offload(lambda: bring_up(folder, engine, positions.behind(engine)))


def bring_up(folder: Path, engine: Engine, device_ids: Sequence[str]) -> int:
    """Commit all versions of these devices that the mirror lacks; how many."""
    from rookery.domains.backups.git.repository import Repository

    done = 0
    with _owned(folder), closing(Repository(folder)) as repository:
        if repository.is_empty:  # new, or somebody wants it made anew
            positions.forget(engine)
            device_ids = positions.behind(engine)
        _recognise(repository, engine)
        while found := positions.missing(engine, device_ids, BATCH):
            changes, places = _changes(found)
            repository.commit(changes)
            positions.put(engine, places)
            done += len(found)
        repository.tidy()
    return done


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """One process at a time; the kernel frees it when that dies."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recognise(repository: Repository, engine: Engine) -> None:
    """Note the commits that a process made before it died, which was before it could note them."""
    found: dict[str, Position] = {}
    for message in repository.messages():
        trailer = message.rpartition(TRAILER)[2].split(maxsplit=2)
        if TRAILER not in message or len(trailer) < 3:
            break  # somebody else's commit
        device_id, number, path = trailer
        if positions.position(engine, device_id).number >= int(number):
            break
        found.setdefault(device_id, Position(int(number), path.rstrip("\n")))
    if found:
        positions.put(engine, found)


def _changes(found: Sequence[Missing]) -> tuple[list[Change], dict[str, Position]]:
    from rookery.domains.backups.git.repository import Change, path_of

    changes, places = [], dict[str, Position]()
    for each in found:
        path = path_of(each.site, each.device)
        former = places[each.device_id].path if each.device_id in places else each.former
        places[each.device_id] = Position(each.number, path)
        seconds = each.taken_us // 1_000_000
        changes.append(Change(path, former, each.text, each.actor, _message(each, path), seconds))
    return changes, places


def _message(each: Missing, path: str) -> str:
    """What has changed; at its end, which version it is, for `_recognise`."""
    what = f"lines +{each.added} -{each.removed}" if each.number > 1 else f"first version, lines {each.lines}"
    return (
        f"{each.device}: {what}\n\nVersion {each.number}, by {each.actor}.\n\n"
        f"{TRAILER}{each.device_id} {each.number} {path}\n"
    )
