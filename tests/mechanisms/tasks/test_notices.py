"""What workers see is announced once, whoever does it, and is in the audit log."""

from __future__ import annotations

from rookery.mechanisms.tasks.notices import FAILED, LOST, announce, note
from tests.conftest import Call


def test_a_notice_is_announced_once_with_its_facts(call: Call) -> None:
    with call.rook.transaction() as session:
        note(session.connection(), FAILED, "task-1", type="burn", error="OSError", message="on fire")
        note(session.connection(), LOST, "worker-1", host="here")
    announce(call.rook)
    announce(call.rook)
    call.rook.audit.flush()
    assert [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())] == [
        ("task.failed", "task-1", {"type": "burn", "error": "OSError", "message": "on fire"}),
        ("worker.lost", "worker-1", {"host": "here"}),
    ]


def test_what_is_rolled_back_is_no_notice(call: Call) -> None:
    def fail() -> None:
        with call.rook.transaction() as session:
            note(session.connection(), LOST, "worker-1", host="here")
            raise KeyError

    try:
        fail()
    except KeyError:
        announce(call.rook)
    call.rook.audit.flush()
    assert call.rook.audit.list() == []
