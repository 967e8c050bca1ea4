"""What backups announce, after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BackupTaken:
    """A device was backed up; `version` is the number of its newest version, new or not.

    It has `recovered` when the attempt before had failed.
    """

    device: str
    device_id: str
    version: int
    changed: bool
    added: int
    removed: int
    recovered: bool = False


@dataclass(frozen=True)
class BackupFailed:
    """A device could not be backed up, for this reason; it is the so manieth time in a row."""

    device: str
    device_id: str
    code: str
    reason: str
    in_row: int = 1


@dataclass(frozen=True)
class ConfigurationRevealed:
    """Somebody has seen a version with its secrets, for this reason."""

    device: str
    device_id: str
    version: int
    reason: str


@dataclass(frozen=True)
class HistoryImported:
    """Versions of a device were taken over from a file of a Git repository."""

    device: str
    device_id: str
    versions: int
    path: str


EVENTS = (BackupTaken, BackupFailed, ConfigurationRevealed, HistoryImported)
