"""The mirror: a bare Git repository that gets a commit for each new version, behind whoever takes the backup.

The file of a device moves with its name and site, and is removed with it. A kill between the commits and what
the database knows of them is made good by the next batch: commits say which version they are.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, get_args

from sqlalchemy import Engine

from rookery.base.config import Config
from rookery.base.errors import ConfigError, RookeryError
from rookery.domains.backups.events import BackupTaken, HistoryImported
from rookery.domains.backups.git import positions
from rookery.domains.backups.git.placing import Deed
from rookery.domains.devices.events import DeviceDeleted, DeviceUpdated
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.writebehind import BatchQueue, json_codec

log = logging.getLogger(__name__)

BATCH: Final = 200
INTERVAL: Final = 1.0
CLOSING: Final = 10.0
NOBODY: Final = "system"
"""Who is said to have done what nobody is known to have done."""
Heard = BackupTaken | HistoryImported | DeviceUpdated | DeviceDeleted


class Mirror:
    """Hears of new versions, and of devices that move or go; its queue brings that to the repository."""

    def __init__(self, config: Config, engine: Engine) -> None:
        """Raises ConfigError without dulwich."""
        self._folder, self._engine = folder_of(config), engine
        self._knows_all = False
        self._queue = BatchQueue[Deed](
            self._deliver, name="mirror", codec=json_codec(Deed), key=attrgetter("device_id"),
            batch_size=BATCH, batch_interval=INTERVAL, spool=config.data_dir / "spool" / "mirror",
        )  # fmt: skip

    def listeners(self) -> dict[type, tuple[Any, ...]]:
        """What a Rook is to call."""
        return dict.fromkeys(get_args(Heard), (self._hear,))

    def _hear(self, rook: Rook, event: Heard) -> None:
        if not _concerns_files(event):
            return
        try:
            rook.offload(self._queue.put, Deed(event.device_id, rook.actor, int(time.time())))
        except RookeryError as error:
            log.warning("%s: its change comes to the mirror with the next one: %s", event.device, error)

    def _deliver(self, batch: Sequence[Deed]) -> None:
        """The first batch of a process looks for what others have left undone, too."""
        deeds = {deed.device_id: deed for deed in batch}
        bring_up(self._folder, self._engine, deeds, rest="" if self._knows_all else NOBODY)
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


def _concerns_files(event: Heard) -> bool:
    match event:
        case BackupTaken():
            return event.changed
        case DeviceUpdated():
            return not {"name", "site"}.isdisjoint(event.changed)
        case _:
            return True


@dual
def mirror(rook: Rook, /) -> int:
    """Bring the Git mirror up to date now; how many commits that took. Raises ConfigError."""
    folder, engine = folder_of(rook.config), rook.engine
    return rook.offload(lambda: bring_up(folder, engine, {}, rest=rook.actor))


def bring_up(folder: Path, engine: Engine, deeds: Mapping[str, Deed], *, rest: str = "") -> int:
    """Commit what has become of these devices; how many commits that took.

    With `rest`, all else that the mirror lacks, too, as the deeds of whoever is called so.
    """
    from rookery.domains.backups.git.filling import Filling
    from rookery.domains.backups.git.repository import Repository

    with _owned(folder), closing(Repository(folder)) as repository:
        if repository.is_empty:  # new, or somebody wants it made anew
            positions.forget(engine)
            rest = rest or NOBODY
        filling = Filling(repository, engine)
        filling.move(deeds, rest)
        filling.add([*deeds, *(positions.behind(engine) if rest else ())])
        repository.tidy()
    return filling.commits


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    """One process at a time; the kernel frees it when that dies."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
