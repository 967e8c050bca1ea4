"""What scans announce, after the commit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScopeAdded:
    """Something may be scanned from now on."""

    entry: str


@dataclass(frozen=True)
class ScopeRemoved:
    """Something may not be scanned any more."""

    entry: str


@dataclass(frozen=True)
class ScanRefused:
    """Somebody asked to scan what is not in the scope."""

    targets: tuple[str, ...]


@dataclass(frozen=True)
class ScanStarted:
    """A run has begun."""

    run_id: str
    targets: tuple[str, ...]
    template_count: int


@dataclass(frozen=True)
class ScanFinished:
    """A run has ended, and all it found is stored or in the dead letters."""

    run_id: str
    status: str
    finding_count: int
    error_count: int


EVENTS = (ScopeAdded, ScopeRemoved, ScanRefused, ScanStarted, ScanFinished)
