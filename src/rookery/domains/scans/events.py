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
class TemplateTried:
    """Somebody tried one template on one target, and kept nothing of it."""

    template: str
    target: str


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


@dataclass(frozen=True)
class ScanResumed:
    """A run that was broken off goes on; so many pairs of target and template are left."""

    run_id: str
    pairs_left: int


@dataclass(frozen=True)
class RunAbandoned:
    """A run was found whose process had died."""

    run_id: str


@dataclass(frozen=True)
class RunsPruned:
    """Runs that began before a time were deleted, with their files: how many, and the first of them."""

    before: str
    count: int
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class ProjectCreated:
    """A project was made."""

    project_id: str


@dataclass(frozen=True)
class ProjectDeleted:
    """A project was deleted, with its endpoints."""

    project_id: str
    endpoint_count: int


@dataclass(frozen=True)
class EndpointsAdded:
    """A project has new endpoints: the first of them, and how many there are."""

    project_id: str
    endpoints: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class EndpointsRemoved:
    """A project has lost endpoints: the first of them, and how many there were."""

    project_id: str
    endpoints: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class FindingsImported:
    """What another tool found was imported from a file."""

    path: str
    run_id: str
    format: str
    records: int
    bad: int
    new: int


@dataclass(frozen=True)
class FindingsAppeared:
    """A run has found what nobody had seen before, or what had been fixed (`reopened`).

    `counts` are by severity; of the findings themselves there are the worst, each with id, severity, name
    and target.
    """

    run_id: str
    project_id: str
    reopened: bool
    counts: dict[str, int]
    findings: tuple[dict[str, str], ...]


EVENTS = (
    FindingsAppeared,
    FindingsImported,
    ScopeAdded,
    ScopeRemoved,
    ScanRefused,
    TemplateTried,
    ScanStarted,
    ScanResumed,
    ScanFinished,
    RunAbandoned,
    RunsPruned,
    ProjectCreated,
    ProjectDeleted,
    EndpointsAdded,
    EndpointsRemoved,
)
