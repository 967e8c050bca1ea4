"""Domain events become audit entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from rookery.domains.audit.errors import KeyUnusable
from rookery.domains.audit.face import Audit
from rookery.domains.audit.listener import Listener
from rookery.domains.audit.rules import AuditEntry
from rookery.domains.audit.service import AuditService
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from tests.domains.audit.conftest import serve


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


@dual
def emit_beside(rook: Rook, /, journal: Listener, *events: object) -> None:
    rook.journal = journal
    rook.emit(*events)


@dual
def emit_inside(rook: Rook, /, journal: Listener, *events: object) -> None:
    rook.journal = journal
    with rook.transaction():
        rook.emit(*events)


@dual
def emit_in_vain(rook: Rook, /, journal: Listener, *events: object) -> None:
    rook.journal = journal
    with rook.transaction():
        rook.emit(*events)
        raise LookupError("after all, not")


@pytest.fixture(params=[emit_inside, emit_beside], ids=["inside", "beside"])
def heard(request: Any, call: Any, service: AuditService) -> Callable[[object], AuditEntry]:
    """`heard(event)` emits it in the world of `call`, inside a transaction or not; the newest entry."""
    listener = Listener(service, EVENTS)
    service.prepare()

    def hear(event: object) -> AuditEntry:
        call(request.param, listener, event)
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


def waiting(call: Any) -> list[str]:
    with call.rook.engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM audit_outbox")))


def test_what_is_rolled_back_is_not_recorded(call: Any, service: AuditService) -> None:
    service.prepare()
    with pytest.raises(LookupError):
        call(emit_in_vain, Listener(service, EVENTS), RouterRestarted("r1"))
    assert waiting(call) == []
    assert service.verify().entries == 0


def test_the_entries_of_a_transaction_are_chained_once_in_the_order_of_their_events(
    call: Any, service: AuditService
) -> None:
    service.prepare()
    listener = Listener(service, EVENTS)
    service.record("scan.started", actor="alice", object="before")
    call(emit_inside, listener, *(RouterRestarted(f"r{number}") for number in range(300)))
    service.record("scan.started", actor="alice", object="after")
    call(emit_inside, listener, RouterRestarted("last"))
    assert service.flush()
    objects = [entry.object for entry in Audit(call.rook, service).list(limit=1000)][::-1]
    assert objects == ["before", *(f"r{number}" for number in range(300)), "after", "last"]
    assert service.verify().problems == ()
    assert waiting(call) == []


def test_without_a_queue_the_entry_is_stored_when_the_transaction_ends(
    call: Any, service: AuditService
) -> None:
    service.is_async = False
    service.prepare()
    call(emit_inside, Listener(service, EVENTS), RouterRestarted("r1"))
    assert [entry.object for entry in Audit(call.rook, service).list()] == ["r1"]


def test_a_row_that_somebody_else_put_into_the_outbox_is_never_chained(
    call: Any, service: AuditService, caplog: pytest.LogCaptureFixture
) -> None:
    """Writing to the database is not enough to have a forged entry signed."""
    service.prepare()
    listener = Listener(service, EVENTS)
    with call.rook.transaction() as session:
        service.write(session.connection(), [service.entry("router.restarted", actor="alice", object="r1")])
        session.execute(text("UPDATE audit_outbox SET payload = :forged"), {"forged": b"forged" * 10})
    service.fetch(waiting(call))
    call(emit_inside, listener, RouterRestarted("r2"))
    call(emit_inside, listener, RouterRestarted("r3"))
    assert service.flush()
    assert [entry.object for entry in Audit(call.rook, service).list()] == ["r3", "r2"]
    assert "was not written by Rookery" in caplog.text


def test_an_unusable_key_refuses_the_change_with_its_entry(call: Any, service: AuditService) -> None:
    service.prepare()
    service.keys_folder.joinpath("audit.key").chmod(0o644)
    with serve(call.rook.config.database_url, call.rook.data_dir) as other, pytest.raises(KeyUnusable):
        emit_inside(call.rook, Listener(other, EVENTS), RouterRestarted("r1"))
    assert waiting(call) == []
