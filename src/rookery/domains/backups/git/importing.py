"""Taking over the history of a device from somebody else's Git repository."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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


@dual
def import_history(rook: Rook, /, folder: Path, *, dry_run: bool = False) -> list[Imported]:
    """Make versions of what a Git repository of Oxidized, RANCID or the like holds of known devices.

    A file belongs to the device of its name. Devices that have versions are left as they are, so that a
    second import changes nothing. Raises RepositoryNotFound, ConfigError without dulwich.
    """
    with closing(rook.offload(_opened, folder)) as history:
        files = rook.offload(_by_path, history)
        known = {name: device for device in devices.list_(rook) for name in _names(device)}
        prepared = Preparation(rook, list(known.values()))
        return [_imported(rook, prepared, history, known, files[path], dry_run) for path in sorted(files)]


def _opened(folder: Path) -> History:
    try:
        from rookery.domains.backups.git.history import History
    except ImportError:
        raise ConfigError("Reading Git needs dulwich: pip install 'rookery[git]'") from None
    return History(folder)


def _by_path(history: History) -> dict[str, list[Snapshot]]:
    found: dict[str, list[Snapshot]] = {}
    for each in history.snapshots():
        found.setdefault(each.path, []).append(each)
    return found


def _names(device: DeviceInfo) -> tuple[str, str]:
    """What others may call it; its own name wins over another's address."""
    return device.address.lower(), device.name.lower()


def _imported(
    rook: Rook, prepared: Preparation, history: History, known: dict[str, DeviceInfo],
    snapshots: Sequence[Snapshot], dry_run: bool,
) -> Imported:  # fmt: skip
    path = snapshots[0].path
    device = next((known[name] for name in snapshots[0].names if name in known), None)
    if device is None:
        return Imported(path=path, reason="no device has this name")
    if store.newest(rook, device.id) is not None:
        return Imported(path=path, device=device.name, reason="has versions already")
    try:
        rows = rook.offload(_rows, prepared, history, device, snapshots)
        if rows and not dry_run:
            _add(rook, device, rows, path)
    except RookeryError as error:
        return Imported(path=path, device=device.name, reason=str(error))
    if not rows:
        return Imported(path=path, device=device.name, reason="holds no configuration")
    first, last = (from_us(row["taken_us"]) for row in (rows[0], rows[-1]))
    return Imported(path=path, device=device.name, versions=len(rows), first=first, last=last)


def _add(rook: Rook, device: DeviceInfo, rows: Sequence[dict[str, Any]], path: str) -> None:
    with rook.transaction() as session:
        if store.newest(session, device.id) is not None:
            raise BackedUpMeanwhile
        for row in rows:
            store.add(session, row)
        rook.emit(HistoryImported(device.name, device.id, len(rows), path))


def _rows(
    prepared: Preparation, history: History, device: DeviceInfo, snapshots: Sequence[Snapshot]
) -> list[dict[str, Any]]:
    """A version for each that differs from the one before by more than noise."""
    platform, how = prepared.platform(device.platform), prepared.config.backups.redaction
    name = prepared.vault.name if how == "name" else None
    rows: list[dict[str, Any]] = []
    before: list[str] = []
    moment = 0
    for each in snapshots:
        moment = max(moment, each.moment_us)  # clocks go wrong; versions follow each other
        raw = rules.assembled(platform, [history.text(each.blob).decode("utf-8", "replace")])
        masked = rules.masked(platform, raw, name, keep=how == "keep")
        if not raw.strip() or (rows and rows[-1]["digest"] == masked.digest):
            continue
        lines = masked.text.decode().splitlines()
        difference = diff(before, lines, is_noise=rules.is_noise(platform))
        rows.append(
            row_of(
                prepared, device, raw, masked, number=len(rows) + 1, actor=each.author[:LONGEST_AUTHOR],
                added=difference.added, removed=difference.removed, taken_us=moment, seen_us=moment,
            )
        )  # fmt: skip
        before = lines
    return rows
