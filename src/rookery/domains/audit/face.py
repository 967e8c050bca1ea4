"""The verbs of the audit log on a Rook: `rook.audit.record(…)`, and `await arook.audit.record(…)`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, Unpack, overload

from rookery.domains.audit import store
from rookery.domains.audit.events import AuditVerificationFailed
from rookery.domains.audit.keys import Keyring
from rookery.domains.audit.rules import AuditEntry
from rookery.domains.audit.service import AuditService
from rookery.domains.audit.verdict import Verification
from rookery.mechanisms.async_rook import AsyncRook
from rookery.mechanisms.dual import dual
from rookery.mechanisms.face import Face, RookT, bound
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from rookery.mechanisms.dual import Dual

P = ParamSpec("P")
R = TypeVar("R")


class _served(Generic[P, R]):  # noqa: N801  reads as `bound` does
    """An operation on a Rook and its AuditService as a verb: plain on a Rook, a coroutine on an AsyncRook."""

    def __init__(self, operation: Dual[Rook, AsyncRook, Concatenate[AuditService, P], R]) -> None:
        self.operation: Any = operation
        self.__doc__ = operation.__doc__

    @overload
    def __get__(self, face: Audit[Rook], owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, face: Audit[AsyncRook], owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, face: None, owner: type) -> _served[P, R]: ...
    def __get__(self, face: Audit[Any] | None, owner: type) -> Any:
        return self if face is None else partial(self.operation, face.rook, face.service)


@dual
def list_(
    rook: Rook,
    service: AuditService,
    /,
    *,
    fresh: bool = False,
    limit: int = 100,
    before: int | None = None,
    **wanted: Unpack[store.Wanted],
) -> list[AuditEntry]:
    """The newest entries that match, newest first; with `fresh`, what was recorded here before is among them.

    `wanted`: event_type, actor, object, since, until. For the next page pass the last position as `before`.
    Raises UnknownEventType for one that nobody knows, and what `store.list_` raises.
    """
    _freshen(rook, service, fresh=fresh)
    entries = store.list_(rook, limit=limit, before=before, **wanted)
    if not entries:
        _check(service, wanted)
    return entries


@dual
def count(
    rook: Rook, service: AuditService, /, *, fresh: bool = False, **wanted: Unpack[store.Wanted]
) -> int:
    """How many entries match; with `fresh`, what was recorded here before is counted. As `list_` raises."""
    _freshen(rook, service, fresh=fresh)
    number = store.count(rook, **wanted)
    if not number:
        _check(service, wanted)
    return number


@dual
def get(rook: Rook, service: AuditService, /, entry_id: str, *, fresh: bool = False) -> AuditEntry:
    """The entry with this id. Raises EntryNotFound."""
    _freshen(rook, service, fresh=fresh)
    return store.get(rook, entry_id)


@dual
def flush(rook: Rook, service: AuditService, /, timeout: float | None = None) -> bool:
    """Wait until everything recorded before is stored; False when that took longer than `timeout` seconds."""
    return rook.offload(service.flush, timeout)


@dual
def verify(rook: Rook, service: AuditService, /, keys: Keyring | None = None) -> Verification:
    """Whether the stored log is what was written; that it is not is announced."""
    found = rook.offload(service.verify, keys)
    if not found.is_intact and service.takes_writes:
        first = found.problems[0].message
        rook.emit(AuditVerificationFailed("audit log", found.problem_count, first))
    return found


@dual
def export(rook: Rook, service: AuditService, /, file: Path) -> int:
    """Write the whole log to a file that can be verified elsewhere; how many entries that were."""

    def write() -> int:
        with file.open("wb") as lines:
            return service.export(lines)

    return rook.offload(write)


@dual
def prune(rook: Rook, service: AuditService, /, before: datetime, *, force: bool = False) -> int:
    """Remove the oldest entries, up to the first that is not older; how many those were. Raises LogBroken."""
    return rook.offload(partial(service.prune, before, actor=rook.actor, force=force))


def _check(service: AuditService, wanted: store.Wanted) -> None:
    """There may be entries of types that only another version knows; where there are none, it is misspelt."""
    if event_type := wanted.get("event_type"):
        service.types.check(event_type)


def _freshen(rook: Rook, service: AuditService, *, fresh: bool) -> None:
    if fresh:
        rook.offload(service.settle)


class Audit(Face[RookT]):
    """Who did what to which object: recorded in microseconds, stored in a signed chain."""

    def __init__(self, rook: RookT, service: AuditService) -> None:
        super().__init__(rook)
        self.service = service

    @overload
    def record(
        self: Audit[Rook],
        event_type: str,
        *,
        object: str,
        actor: str | None = None,
        details: dict[str, Any] | None = None,
        request_id: str = "",
        session: Session | None = None,
    ) -> AuditEntry: ...
    @overload
    def record(
        self: Audit[AsyncRook],
        event_type: str,
        *,
        object: str,
        actor: str | None = None,
        details: dict[str, Any] | None = None,
        request_id: str = "",
        session: AsyncSession | None = None,
    ) -> Coroutine[Any, Any, AuditEntry]: ...
    def record(self, event_type: str, *, actor: str | None = None, **entry: Any) -> Any:
        """Record that `actor` (the Rook's, unless given) did this to `object`. See AuditService.record."""
        entry["actor"] = self.rook.actor if actor is None else actor
        if isinstance(self.rook, AsyncRook):
            return self.service.arecord(event_type, **entry)
        return self.service.record(event_type, **entry)

    following = bound(store.following)
    newest = bound(store.newest)
    flush = _served(flush)
    list = _served(list_)
    count = _served(count)
    get = _served(get)
    verify = _served(verify)
    export = _served(export)
    prune = _served(prune)
