"""Taking over the history of a device from somebody else's Git repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from rookery.base.clock import from_us, to_us
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
PIECE: Final = 4 << 20
"""Bytes of versions that are made and then stored: so much is held of a history, however long it is."""


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


class Last(NamedTuple):
    """The newest version of a device, as far as the next one is to be told from it."""

    number: int = 0
    moment_us: int = 0
    digest: str = ""
    lines: Sequence[str] = ()


OnStep = Callable[[Step], object]
"""Called from whichever thread, for each commit and each version."""


@dual
def import_history(
    rook: Rook, /, folder: Path, *, dry_run: bool = False, on_step: OnStep | None = None
) -> list[Imported]:
    """Make versions of what a Git repository of Oxidized, RANCID or the like holds of known devices.

    A file belongs to the device of its name. Versions are stored piece by piece: an import that broke off
    goes on where it was, and so does one of a repository that has grown. Devices that have other versions,
    or were backed up since, are left as they are. Raises RepositoryNotFound, ConfigError without dulwich.
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
        moments: list[int] = []
        reason = ""
        try:
            last = _last(self._rook, device)
            rows = self._rows(device, snapshots, last)
            while piece := self._rook.offload(_piece, rows):
                if not self._dry_run:
                    _add(self._rook, device, piece, path)
                moments += [row["taken_us"] for row in piece]
            if not moments:
                reason = "has versions already" if last.number else "holds no configuration"
        except RookeryError as error:
            reason = str(error)
        first, newest = (from_us(moments[at]) if moments else None for at in (0, -1))
        return Imported(
            path=path, device=device.name, versions=len(moments), first=first, last=newest, reason=reason
        )

    def _rows(
        self, device: DeviceInfo, snapshots: Sequence[Snapshot], last: Last
    ) -> Iterator[dict[str, Any]]:
        """A version for each that differs from the one before by more than noise."""
        is_noise = rules.is_noise(self._prepared.platform(device.platform))
        number, moment, digest, before = last
        for each in self._after(device, snapshots, last):
            self._done += 1
            self._tell("versions", self._done, self._total)
            moment = max(moment, each.moment_us)  # clocks go wrong; versions follow each other
            raw, masked = self._read(device, each)
            if not raw.strip() or digest == masked.digest:
                continue
            lines = masked.text.decode().splitlines()
            difference = diff(before, lines, is_noise=is_noise)
            number += 1
            yield row_of(
                self._prepared, device, raw, masked, number=number, actor=each.author[:LONGEST_AUTHOR],
                added=difference.added, removed=difference.removed, taken_us=moment, seen_us=moment,
            )  # fmt: skip
            before, digest = lines, masked.digest

    def _after(self, device: DeviceInfo, snapshots: Sequence[Snapshot], last: Last) -> Sequence[Snapshot]:
        """Those that came after the last version there is, when that is one of them; else none."""
        if not last.number:
            return snapshots
        moments = enumerate(accumulate((each.moment_us for each in snapshots), max), 1)
        then = [past for past, moment in moments if moment == last.moment_us]
        same = [past for past in then if self._read(device, snapshots[past - 1])[1].digest == last.digest]
        return snapshots[same[-1] :] if same else ()

    def _read(self, device: DeviceInfo, snapshot: Snapshot) -> tuple[bytes, rules.Masked]:
        platform, how = self._prepared.platform(device.platform), self._prepared.config.backups.redaction
        name = self._prepared.vault.name if how == "name" else None
        raw = rules.assembled(platform, [self._history.text(snapshot.blob).decode("utf-8", "replace")])
        return raw, rules.masked(platform, raw, name, keep=how == "keep")


def _last(rook: Rook, device: DeviceInfo) -> Last:
    """Of one that a backup has seen since, nothing comes after it in a repository: it has no moment there."""
    if store.newest(rook, device.id) is None:
        return Last()
    found = store.get(rook, device.id)
    moment_us = to_us(found.taken) if found.seen == found.taken else -1
    return Last(found.number, moment_us, found.digest, store.text(rook, found.id).splitlines())


def _piece(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """The next of them, about `PIECE` bytes."""
    piece: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += len(row["content"]) + len(row["raw"])
        if size >= PIECE:
            break
    return piece


def _add(rook: Rook, device: DeviceInfo, rows: Sequence[dict[str, Any]], path: str) -> None:
    with rook.transaction() as session:
        newest = store.newest(session, device.id)
        if (newest.number if newest else 0) != rows[0]["number"] - 1:
            raise BackedUpMeanwhile
        for row in rows:
            store.add(session, row)
        rook.emit(HistoryImported(device.name, device.id, len(rows), path))
