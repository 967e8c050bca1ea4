"""What findings announce, after the commit. `findings` is the filter that chose them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FindingsTriaged:
    """Somebody decided about findings: brought them to another state."""

    findings: str
    state: str
    reason: str
    until: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class FindingsAssigned:
    """Findings were given to somebody, or to nobody."""

    findings: str
    owner: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class FindingsNoted:
    """A note was written into the history of findings."""

    findings: str
    note: str
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class FindingsLabelled:
    """Labels were added to findings, or taken from them."""

    findings: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class FindingsSettled:
    """A run is over: what it covered and no longer saw is fixed, what was accepted until now is open."""

    run_id: str
    fixed: int
    missed: int
    expired: int


@dataclass(frozen=True)
class AcceptancesEnded:
    """The time for which risks were accepted is over: these findings are open again."""

    count: int


@dataclass(frozen=True)
class FeedImported:
    """A feed about CVEs was read, and findings were rated anew by it."""

    name: str
    dated: str
    entries: int
    findings: int


EVENTS = (
    FindingsTriaged,
    FindingsAssigned,
    FindingsNoted,
    FindingsLabelled,
    FindingsSettled,
    AcceptancesEnded,
    FeedImported,
)
