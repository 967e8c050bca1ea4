"""Recording, in both worlds and on both databases."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rookery.base.clock import now_us
from rookery.domains.audit.errors import AuditClosed, EntryNotFound, EntryNotValid, UnknownEventType
from rookery.domains.audit.face import Audit
from rookery.domains.audit.service import AuditService
from rookery.mechanisms.store import TransactionOpen, open_engine
from tests.domains.audit.conftest import serve
from tests.patience import PATIENCE

Verb = Callable[..., Any]


def test_an_entry_comes_back_as_it_was_recorded(audit: Verb) -> None:
    before = now_us()
    entry = audit("record", "scan.started", object="run 1", actor="alice", details={"n": 1}, request_id="r")
    assert before <= entry.at_us <= now_us()
    stored = audit("get", entry.id, fresh=True)
    assert (stored.id, stored.at_us, stored.details, stored.request_id) == (
        entry.id,
        entry.at_us,
        {"n": 1},
        "r",
    )
    assert (stored.event_type, stored.actor, stored.object) == ("scan.started", "alice", "run 1")
    assert stored.position == 1


def test_the_actor_is_the_rooks_unless_given(audit: Verb) -> None:
    assert audit("record", "scan.started", object="run 1").actor == "tester"


def test_an_unknown_event_type_is_refused_at_once(audit: Verb) -> None:
    with pytest.raises(UnknownEventType, match=r"scan\.stopped"):
        audit("record", "scan.stopped", object="run 1")
    assert audit("count", fresh=True) == 0


def test_details_are_a_snapshot_with_secrets_masked(audit: Verb) -> None:
    details = {"password": "hunter2", "list": [1]}
    entry = audit("record", "scan.started", object="http://u:hunter2@host/", details=details)
    details["list"].append(2)  # type: ignore[attr-defined]
    stored = audit("get", entry.id, fresh=True)
    assert stored.details == entry.details == {"password": "***", "list": [1]}
    assert stored.object == "http://u:***@host/"


def test_after_close_nothing_is_recorded(audit: Verb, service: AuditService) -> None:
    audit("record", "scan.started", object="run 1")
    assert service.close()
    with pytest.raises(AuditClosed):
        audit("record", "scan.started", object="run 2")
    assert audit("count") == 1


def test_many_entries_keep_their_order_and_verify(audit: Verb) -> None:
    ids = [audit("record", "scan.started", object=f"run {n}").id for n in range(1200)]
    entries = audit("list", fresh=True, limit=2000)
    assert [entry.id for entry in reversed(entries)] == ids
    assert audit("verify").is_intact


def test_an_unknown_id_is_not_found(audit: Verb) -> None:
    with pytest.raises(EntryNotFound):
        audit("get", "nobody")


def test_recording_without_a_queue_returns_what_is_stored(call: Any) -> None:
    with serve(call.rook.config.database_url, call.rook.data_dir, is_async=False) as service:
        first = call(lambda rook: Audit(rook, service).record("scan.started", object="run 1"))
        second = call(lambda rook: Audit(rook, service).record("scan.started", object="run 2"))
        stored = call(lambda rook: Audit(rook, service).get(second.id))
        assert (first.position, second.position) == (1, 2)
        assert stored == second
        assert service.verify().is_intact


def test_an_entry_in_a_session_lives_and_dies_with_its_transaction(call: Any, service: AuditService) -> None:
    def transact(rook: Any, *, fail: bool) -> Any:
        return _transact_async(rook, service, fail) if call.is_async else _transact(rook, service, fail)

    with pytest.raises(ZeroDivisionError):
        call(transact, fail=True)
    entry = call(transact, fail=False)
    assert entry.position == 1
    assert [stored.id for stored in call(lambda rook: Audit(rook, service).list())] == [entry.id]
    service.record("scan.started", actor="alice", object="after")
    assert service.verify().is_intact


def _transact(rook: Any, service: AuditService, fail: bool) -> Any:
    with rook.transaction() as session:
        entry = Audit(rook, service).record("scan.started", object="run 1", session=session)
        return entry if not fail else 1 / 0


async def _transact_async(rook: Any, service: AuditService, fail: bool) -> Any:
    async with rook.transaction() as session:
        entry = await Audit(rook, service).record("scan.started", object="run 1", session=session)
        return entry if not fail else 1 / 0


def test_without_a_queue_an_open_transaction_is_refused_rather_than_waited_for(sqlite_rook: Any) -> None:
    with (
        serve(sqlite_rook.config.database_url, sqlite_rook.data_dir, is_async=False) as service,
        sqlite_rook.transaction(),
        pytest.raises(TransactionOpen),
    ):
        service.record("scan.started", actor="alice", object="run 1")


def test_threads_share_one_service_and_one_chain(audit: Verb, service: AuditService) -> None:
    def record(name: str) -> None:
        for number in range(200):
            service.record("scan.started", actor=name, object=str(number))

    threads = [threading.Thread(target=record, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = audit("list", fresh=True, limit=1000)
    for name in ("t0", "t1", "t2", "t3"):
        assert [int(e.object) for e in reversed(entries) if e.actor == name] == list(range(200))
    assert service.verify().is_intact


def test_a_clock_set_back_changes_neither_order_nor_ids(
    sqlite_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(sqlite_url, data_dir) as service:
        ids = [service.record("scan.started", actor="alice", object="now").id]
        service.flush()
        monkeypatch.setattr("rookery.domains.audit.recording.now_us", lambda: 1_600_000_000_000_000)
        ids.append(service.record("scan.started", actor="alice", object="years before").id)
        verdict = service.verify()
    assert _ids(sqlite_url) == ids
    assert len(set(ids)) == 2
    assert verdict.is_intact
    assert "time steps back" in verdict.notes[0]


def test_listing_does_not_wait_for_a_writer(call: Any, service: AuditService) -> None:
    """Somebody holds the write lock, and the chain's, all the while."""
    service.record("scan.started", actor="alice", object="run 1")
    service.flush()
    engine = open_engine(call.rook.config.database_url)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text("UPDATE audit_entry SET actor = actor"))
        entries = call(lambda rook: Audit(rook, service).list())
        assert len(entries) == 1
        transaction.rollback()
    engine.dispose()


def test_recording_does_not_wait_for_a_locked_database(sqlite_url: str, data_dir: Path) -> None:
    engine = open_engine(sqlite_url)
    with serve(sqlite_url, data_dir) as service:
        with engine.begin() as connection:
            connection.execute(text("UPDATE audit_entry SET actor = actor"))
            for number in range(100):
                service.record("scan.started", actor="alice", object=str(number))
            assert not service.flush(timeout=0.2)
        assert service.flush()
    engine.dispose()
    assert len(_ids(sqlite_url)) == 100


def test_an_entry_recorded_by_a_finaliser_in_the_middle_of_a_record_is_stored(
    sqlite_url: str, data_dir: Path
) -> None:
    with serve(sqlite_url, data_dir) as service:

        class Leaving:
            def __del__(self) -> None:
                service.record("scan.finished", actor="gc", object="x")
                left.append(True)

        left: list[bool] = []
        threshold = gc.get_threshold()
        gc.set_threshold(50)
        try:
            for number in range(500):
                cycle: list[Any] = [Leaving()]
                cycle.append(cycle)
                service.record("scan.started", actor="alice", object=str(number))
        finally:
            gc.set_threshold(*threshold)
        del cycle
        while len(left) < 500:  # while the writer's thread collects, collecting here does nothing
            gc.collect()
            time.sleep(0.001)
        service.flush()
        assert service.verify().entries == 1000


def test_entries_spooled_by_a_service_that_could_not_store_them_are_stored_by_the_next(
    sqlite_url: str, data_dir: Path
) -> None:
    engine = open_engine(sqlite_url)
    service = serve(sqlite_url, data_dir)
    with engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET actor = actor"))
        entry = service.record("scan.started", actor="alice", object="run 1")
        assert not service.close(timeout=0.1)
    engine.dispose()
    deadline = time.monotonic() + PATIENCE
    while not _ids(sqlite_url) and time.monotonic() < deadline:
        with serve(sqlite_url, data_dir) as following:
            following.flush()
    assert _ids(sqlite_url) == [entry.id]


def test_a_disk_that_refuses_the_witness_loses_no_entry(
    sqlite_url: str, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (data_dir / "audit").write_text("in the way")
    with serve(sqlite_url, data_dir) as service:
        service.record("scan.started", actor="alice", object="run 1")
        service.flush()
        (data_dir / "audit").unlink()
        verdict = service.verify()
    assert verdict.is_intact
    assert verdict.entries == 1
    assert "cannot keep the audit checkpoint" in caplog.text


def test_a_bad_entry_costs_the_caller_an_error_and_the_log_nothing(sqlite_url: str, data_dir: Path) -> None:
    with serve(sqlite_url, data_dir) as service:
        with pytest.raises(EntryNotValid):
            service.record("scan.started", actor="alice", object="a\nb")
        service.record("scan.started", actor="alice", object="run 1")
    assert len(_ids(sqlite_url)) == 1


def test_async_tasks_share_one_chain(sqlite_url: str, data_dir: Path) -> None:
    async def many(service: AuditService) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(300):
                group.create_task(service.arecord("scan.started", actor="alice", object=str(number)))
        await service.aflush()

    with serve(sqlite_url, data_dir) as service, asyncio.Runner() as runner:
        runner.run(many(service))
        verdict = service.verify()
    assert verdict.is_intact
    assert verdict.entries == 300


def _ids(url: str) -> list[str]:
    engine = open_engine(url)
    with engine.connect() as connection:
        ids = list(connection.execute(text("SELECT id FROM audit_entry ORDER BY position")).scalars())
    engine.dispose()
    return ids
