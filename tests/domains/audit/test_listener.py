"""Domain events become audit entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rookery.domains.audit.face import Audit
from rookery.domains.audit.listener import Listener
from rookery.domains.audit.rules import AuditEntry
from rookery.domains.audit.service import AuditService


@dataclass(frozen=True)
class RouterRestarted:
    """A router has been restarted."""

    name: str
    password: str = "hunter2"
    seconds: float = 1.5


@dataclass(frozen=True)
class TargetsRefused:
    """Targets outside the scope."""

    targets: tuple[str, ...]


EVENTS = (RouterRestarted, TargetsRefused)


@pytest.fixture
def heard(call: Any, service: AuditService) -> Callable[[object], AuditEntry]:
    """`heard(event)` emits it in the world of `call`, and returns the newest entry."""
    listener = Listener(service, EVENTS)
    listeners = dict.fromkeys(EVENTS, (listener,))

    def hear(event: object) -> AuditEntry:
        def emit(rook: Any) -> Any:
            (getattr(rook, "_inner", rook)).listeners = listeners
            return rook.emit(event)

        call(emit)
        service.flush()
        (entry,) = Audit(call.rook, service).list(limit=1)
        assert isinstance(entry, AuditEntry)
        return entry

    return hear


def test_the_first_field_is_the_object_and_the_others_are_details(heard: Any) -> None:
    entry = heard(RouterRestarted("r1"))
    assert (entry.event_type, entry.object, entry.actor) == ("router.restarted", "r1", "tester")
    assert entry.details == {"password": "***", "seconds": 1.5}


def test_an_object_that_is_no_line_of_text_is_made_one(heard: Any) -> None:
    assert heard(RouterRestarted("a\nb\x00")).object == "a\\nb\\x00"
    assert heard(TargetsRefused(("http://a/", "http://b/"))).object == "http://a/, http://b/"
    assert len(heard(TargetsRefused(("x" * 2000,))).object) == 1000


def test_what_does_not_fit_into_details_is_still_recorded(heard: Any) -> None:
    """The deed is done: an entry with less is better than none."""
    entry = heard(RouterRestarted("r1", password="x", seconds=object()))  # type: ignore[arg-type]
    assert entry.object == "r1"
    assert "seconds" in entry.details["left_out"]


def test_the_types_description_is_the_events_docstring(service: AuditService) -> None:
    Listener(service, EVENTS)
    assert ("router.restarted", "A router has been restarted.") in list(service.types)
