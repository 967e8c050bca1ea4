"""Taking over the history of a device from somebody else's Git repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from rookery.base.clock import from_us
from rookery.base.errors import ConfigError, RookeryError
from rookery.domains.backups import rules, store
from rookery.domains.backups.diffing import diff
from rookery.domains.backups.errors import BackedUpMeanwhile
from rookery.domains.backups.events import HistoryImported
from rookery.domains.backups.preparing import Preparation
from rookery.domains.backups.service import row_of
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.domains.backups.git.history import History, Snapshot

LONGEST_AUTHOR: Final = 100


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of the repository; `reason` says why nothing was taken over."""

    path: str
    device: str = ""
    versions: int = 0
    first: datetime | None = None
    last: datetime | None = None
    reason: str = ""


class Step(NamedTuple):
    """How far an import is: so many of these commits are read, or versions made."""

    doing: Literal["commits", "versions"]
    done: int
    total: int


OnStep = Callable[[Step], object]
"""Called from whichever thread, for each commit and each version."""


@dual
def import_history(
    rook: Rook, /, folder: Path, *, dry_run: bool = False, on_step: OnStep | None = None
) -> list[Imported]:
    """Make versions of what a Git repository of Oxidized, RANCID or the like holds of known devices.

    A file belongs to the device of its name. Devices that have versions are left as they are, so that a
    second import changes nothing. Raises RepositoryNotFound, ConfigError without dulwich.
    """
    with closing(rook.offload(_opened, folder)) as history:
        return _Import(rook, history, dry_run=dry_run, on_step=on_step).run()


def _opened(folder: Path) -> History:
    try:
        from rookery.domains.backups.git.history import History
    except ImportError:
        raise ConfigError("Reading Git needs dulwich: pip install 'rookery[git]'") from None
    return History(folder)


def _names(device: DeviceInfo) -> tuple[str, str]:
    """What others may call it; its own name wins over another's address."""
    return device.address.lower(), device.name.lower()


class _Import:
    """One import; it counts the snapshots it is through with."""

    def __init__(self, rook: Rook, history: History, *, dry_run: bool, on_step: OnStep | None) -> None:
        self._rook, self._history, self._dry_run, self._on_step = rook, history, dry_run, on_step
        self._known = {name: device for device in devices.list_(rook) for name in _names(device)}
        self._prepared = Preparation(rook, list(self._known.values()))
        self._done = self._total = 0

    def run(self) -> list[Imported]:
        """File by file."""
        files = self._rook.offload(self._by_path)
        self._total = sum(len(files[path]) for path in files if self._device(files[path]))
        return [self._file(path, files[path]) for path in sorted(files)]

    def _by_path(self) -> dict[str, list[Snapshot]]:
        found: dict[str, list[Snapshot]] = {}
        for each in self._history.snapshots(partial(self._tell, "commits")):
            found.setdefault(each.path, []).append(each)
        return found

    def _tell(self, doing: Literal["commits", "versions"], done: int, total: int) -> None:
        if self._on_step is not None:
            self._on_step(Step(doing, done, total))

    def _device(self, snapshots: Sequence[Snapshot]) -> DeviceInfo | None:
        return next((self._known[name] for name in snapshots[0].names if name in self._known), None)

    def _file(self, path: str, snapshots: Sequence[Snapshot]) -> Imported:
        device = self._device(snapshots)
        if device is None:
            return Imported(path=path, reason="no device has this name")
        end = self._done + len(snapshots)
        found = self._of(device, path, snapshots)
        self._done = end
        self._tell("versions", end, self._total)
        return found

    def _of(self, device: DeviceInfo, path: str, snapshots: Sequence[Snapshot]) -> Imported:
        if store.newest(self._rook, device.id) is not None:
            return Imported(path=path, device=device.name, reason="has versions already")
        try:
            rows = self._rook.offload(lambda: list(self._rows(device, snapshots)))
            if rows and not self._dry_run:
                _add(self._rook, device, rows, path)
        except RookeryError as error:
            return Imported(path=path, device=device.name, reason=str(error))
        if not rows:
            return Imported(path=path, device=device.name, reason="holds no configuration")
        first, last = (from_us(row["taken_us"]) for row in (rows[0], rows[-1]))
        return Imported(path=path, device=device.name, versions=len(rows), first=first, last=last)

    def _rows(self, device: DeviceInfo, snapshots: Sequence[Snapshot]) -> Iterator[dict[str, Any]]:
        """A version for each that differs from the one before by more than noise."""
        platform, how = self._prepared.platform(device.platform), self._prepared.config.backups.redaction
        name = self._prepared.vault.name if how == "name" else None
        before: list[str] = []
        number, moment, digest = 1, 0, ""
        for each in snapshots:
            self._done += 1
            self._tell("versions", self._done, self._total)
            moment = max(moment, each.moment_us)  # clocks go wrong; versions follow each other
            raw = rules.assembled(platform, [self._history.text(each.blob).decode("utf-8", "replace")])
            masked = rules.masked(platform, raw, name, keep=how == "keep")
            if not raw.strip() or digest == masked.digest:
                continue
            lines = masked.text.decode().splitlines()
            difference = diff(before, lines, is_noise=rules.is_noise(platform))
            yield row_of(
                self._prepared, device, raw, masked, number=number, actor=each.author[:LONGEST_AUTHOR],
                added=difference.added, removed=difference.removed, taken_us=moment, seen_us=moment,
            )  # fmt: skip
            before, digest, number = lines, masked.digest, number + 1


def _add(rook: Rook, device: DeviceInfo, rows: Sequence[dict[str, Any]], path: str) -> None:
    with rook.transaction() as session:
        if store.newest(session, device.id) is not None:
            raise BackedUpMeanwhile
        for row in rows:
            store.add(session, row)
        rook.emit(HistoryImported(device.name, device.id, len(rows), path))
