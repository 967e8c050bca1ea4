"""Every domain event becomes an audit entry: `ScanStarted(run_id=…, …)` is `scan.started` of that run.

The object is the event's first field, the details are its other fields, the actor is the Rook's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from functools import partial
from typing import Any

from rookery.domains.audit.errors import EntryNotValid
from rookery.domains.audit.events import type_of
from rookery.domains.audit.rules import LONGEST_FIELD, details_json
from rookery.domains.audit.service import AuditService
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.writebehind.errors import QueueFull


class Listener:
    """Hears the events of other domains for one audit log. Called with (rook, event), after the commit."""

    def __init__(self, service: AuditService, event_classes: Iterable[type]) -> None:
        self._service = service
        self._types: dict[type, str] = {}
        for event_class in event_classes:
            self._types[event_class] = type_of(event_class)
            service.types.register(self._types[event_class], (event_class.__doc__ or "").partition("\n")[0])

    def __call__(self, rook: Rook, event: Any) -> None:
        """Record one event. Beside an event loop nothing here blocks it: what would wait goes to a thread."""
        record = partial(self._service.record, self._types[type(event)], actor=rook.actor, **told(event))
        if not self._service.is_ready:
            rook.offload(record)
            return
        try:
            record()
        except QueueFull:
            rook.offload(record)


def told(event: Any) -> dict[str, Any]:
    """Object and details of an event: its first field, and the others.

    What it tells has happened, so it is recorded whatever it holds: details that no entry can hold are named.
    """
    first, *others = (field.name for field in fields(event))
    details = {name: getattr(event, name) for name in others}
    try:
        details_json(details)
    except EntryNotValid as error:
        details = {"left_out": f"{', '.join(others)}: {error}"}
    return {"object": _on_one_line(getattr(event, first)), "details": details}


def _on_one_line(value: object) -> str:
    """An object as an entry can hold it: control characters spelt out, of bounded length."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    escaped = text if text.isprintable() else text.encode("unicode_escape").decode()
    return escaped if len(escaped) <= LONGEST_FIELD else escaped[: LONGEST_FIELD - 1] + "…"
