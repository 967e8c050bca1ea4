"""Every domain event becomes an audit entry: `ScanStarted(run_id=…, …)` is `scan.started` of that run.

The object is the event's first field, the details are its other fields; actor and request are the Rook's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from functools import cache, partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from rookery.base.errors import RookeryError
from rookery.domains.audit.errors import EntryNotValid
from rookery.domains.audit.events import type_of
from rookery.domains.audit.rules import LONGEST_FIELD
from rookery.domains.audit.service import AuditService
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.writebehind.errors import QueueFull

log = logging.getLogger(__name__)

T = TypeVar("T")


class Listener:
    """The journal of a Rook: keeps the events of other domains in one audit log.

    Those of a transaction are written in it, so that both are durable or neither; others are recorded beside.
    """

    def __init__(self, service: AuditService, event_classes: Iterable[type]) -> None:
        self._service = service
        self._types: dict[type, str] = {}
        for event_class in event_classes:
            self._types[event_class] = type_of(event_class)
            service.types.register(self._types[event_class], (event_class.__doc__ or "").partition("\n")[0])

    def write(self, rook: Rook, connection: Connection, events: Sequence[Any]) -> Callable[[], None]:
        """Write the events in this transaction; what to call after its commit."""
        entries = [
            self._told(self._service.entry, rook, event) for event in events if type(event) in self._types
        ]
        if entries:
            self._service.write(connection, entries)
        return partial(self._fetch, rook, [entry.id for entry in entries])

    def _told(self, tell: Callable[..., T], rook: Rook, event: Any) -> T:
        """What it tells has happened, so it is told whatever it holds: what no entry can hold is named."""
        type_, by, (object_, details) = self._types[type(event)], _by(rook), told(event)
        try:
            return tell(type_, object=object_, details=details, **by)
        except EntryNotValid as error:
            left_out = {"left_out": f"{', '.join(details)}: {error}"}
            return tell(type_, object=object_, details=left_out, **by)

    def _fetch(self, rook: Rook, ids: list[str]) -> None:
        """They are durable, and chained by another process if not by this: what is in the way is logged."""
        if not ids:
            return
        try:
            self._beside_the_loop(rook, partial(self._service.fetch, ids))
        except (RookeryError, OSError) as error:
            log.warning("%d audit entries wait in the database to be signed: %s", len(ids), error)

    def record(self, rook: Rook, event: Any) -> None:
        """Record an event of no transaction."""
        if type(event) in self._types:
            self._beside_the_loop(rook, partial(self._told, self._service.record, rook, event))

    def _beside_the_loop(self, rook: Rook, act: Callable[[], object]) -> None:
        """Nothing here blocks an event loop: what would wait goes to a thread."""
        if not self._service.is_ready:
            rook.offload(act)
            return
        try:
            act()
        except QueueFull:
            rook.offload(act)


def _by(rook: Rook) -> dict[str, Any]:
    return {"actor": rook.actor, "request_id": rook.request_id}


def told(event: Any) -> tuple[str, dict[str, Any]]:
    """Object and details of an event: its first field, and the others."""
    first, *others = _names(event.__class__)
    return _on_one_line(getattr(event, first)), {name: getattr(event, name) for name in others}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _on_one_line(value: object) -> str:
    """An object as an entry can hold it: control characters spelt out, of bounded length."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    escaped = text if text.isprintable() else text.encode("unicode_escape").decode()
    return escaped if len(escaped) <= LONGEST_FIELD else escaped[: LONGEST_FIELD - 1] + "…"
