"""Firing, at set times: one task for a due time, whatever happened since the last look."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from rookery import app
from rookery.base.clock import now, to_us
from rookery.base.errors import Unavailable
from rookery.domains.schedules import service, store
from rookery.domains.schedules.document import ScheduleInfo
from rookery.domains.schedules.errors import ScheduleBusy, ScheduleNotFound
from rookery.domains.schedules.firing import fire_due, run_now
from rookery.domains.schedules.timing import Cron, Every, Once
from rookery.mechanisms.tasks import service as tasks
from rookery.mechanisms.tasks.looking import TaskInfo
from tests.conftest import Call
from tests.domains.schedules.test_service import audited

TAKE = "notes.take"
START = now()
BURN = text("""UPDATE schedule SET payload = '{"burn": true}' WHERE name = 'hourly'""")
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


def made(call: Call, **changes: Any) -> ScheduleInfo:
    """A schedule that is due each hour; not too soon, for two of them are to be due together."""
    wanted = {"name": "hourly", "timing": Every(3600, START), "task_type": TAKE} | changes
    info: ScheduleInfo = call(service.create, **wanted)
    return info


def look(call: Call, at: datetime | None) -> datetime | None:
    """Fire what is due then; when the next one is."""
    assert at is not None
    upcoming = call(fire_due, to_us(at))
    return None if upcoming is None else datetime.fromtimestamp(upcoming / 1e6, UTC)


def submitted(call: Call) -> list[TaskInfo]:
    """The tasks there are, the oldest first."""
    return list(reversed(call.rook.tasks.list()))


def history(call: Call, name: str = "hourly") -> list[tuple[Any, ...]]:
    """What came of due times, the oldest first."""
    return [(each.due, each.outcome, each.reason) for each in reversed(call(store.history, name))]


def end(call: Call, task_id: str) -> None:
    call(tasks.cancel_task, task_id)


def test_nothing_happens_before_its_time(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    assert look(call, due - timedelta(microseconds=1)) == due
    assert submitted(call) == []
    assert call(store.get, "hourly").next_due == due


def test_at_its_time_one_task_is_submitted_and_it_is_due_another_time(call: Call) -> None:
    due = made(call, payload={"text": "ding"}, priority=2).next_due
    assert due is not None
    assert look(call, due) == due + HOUR
    assert look(call, due) == due + HOUR
    (task,) = submitted(call)
    assert (task.type, task.payload, task.priority, task.status) == (TAKE, {"text": "ding"}, 2, "pending")
    info = call(store.get, "hourly")
    assert task.idempotency_key == f"schedule:{info.id}:{due.isoformat()}"
    assert (info.next_due, info.last_fired) == (due + HOUR, due)
    assert (info.last_task_id, info.last_status) == (task.id, "pending")
    assert history(call) == [(due, "fired", "")]


def test_a_firing_is_audited_with_its_task(call: Call) -> None:
    info = made(call)
    look(call, info.next_due)
    (task,) = submitted(call)
    fired = {"schedule_id": info.id, "task_id": task.id, "due": info.next_due and info.next_due.isoformat()}
    entries = audited(call)
    assert ("schedule.fired", "hourly", fired) in entries
    assert "task.submitted" in [type_ for type_, _, _ in entries]


def test_with_nothing_to_do_there_is_no_next_time(call: Call) -> None:
    assert look(call, now()) is None
    made(call, enabled=False)
    assert look(call, now() + DAY) is None
    assert submitted(call) == []


def test_a_date_fires_once_and_is_done(call: Call) -> None:
    due = now() + DAY
    made(call, timing=Once(due))
    assert look(call, due + MINUTE) is None
    assert look(call, due + 2 * MINUTE) is None
    assert len(submitted(call)) == 1
    assert call(store.get, "hourly").next_due is None


def test_after_a_downtime_it_fires_once_for_all_that_was_missed(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    assert look(call, due + 5.5 * HOUR) == due + 6 * HOUR
    assert len(submitted(call)) == 1
    assert history(call) == [(due, "fired", "It was missed, and is made up for.")]


def test_or_not_at_all(call: Call) -> None:
    due = made(call, missed="skip").next_due
    assert due is not None
    assert look(call, due + 5.5 * HOUR) == due + 6 * HOUR
    assert submitted(call) == []
    assert history(call) == [(due, "missed", "No worker ran when it was due.")]
    assert [type_ for type_, _, _ in audited(call)][-1] == "schedule.skipped"
    look(call, due + 6 * HOUR)
    assert len(submitted(call)) == 1


def test_or_for_each_of_them(call: Call) -> None:
    due = made(call, missed="all", overlap="allow").next_due
    assert due is not None
    assert look(call, due + 2.5 * HOUR) == due + 3 * HOUR
    assert [each[:2] for each in history(call)] == [(due + n * HOUR, "fired") for n in range(3)]
    keys = {task.idempotency_key for task in submitted(call)}
    assert len(keys) == 3


def test_or_for_the_newest_of_very_many(call: Call) -> None:
    due = made(call, timing=Every(60), missed="all", overlap="allow").next_due
    assert due is not None
    look(call, due + 30 * DAY)
    assert len(submitted(call)) == 100
    assert call(store.history, "hourly", limit=1)[0].due == due + 30 * DAY
    assert len(call(store.history, "hourly", limit=500)) == 100  # the one that names the rest is forgotten


def test_while_its_last_task_has_not_ended_it_does_not_fire_and_says_why(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    look(call, due)
    (task,) = submitted(call)
    assert look(call, due + HOUR) == due + 2 * HOUR
    assert len(submitted(call)) == 1
    overlapped = (due + HOUR, "overlapped", f"Its last task, {task.id}, is pending.")
    assert history(call)[-1] == overlapped
    end(call, task.id)
    look(call, due + 2 * HOUR)
    assert len(submitted(call)) == 2


def test_unless_it_may(call: Call) -> None:
    due = made(call, overlap="allow").next_due
    assert due is not None
    look(call, due)
    look(call, due + HOUR)
    assert len(submitted(call)) == 2


def test_a_task_that_was_pruned_is_in_nobodys_way(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    look(call, due)
    end(call, submitted(call)[0].id)
    call(tasks.prune_tasks, now() + DAY)
    assert call(store.get, "hourly").last_status is None
    look(call, due + HOUR)
    assert [each[1] for each in history(call)] == ["fired", "fired"]


def test_jitter_puts_off_the_start_of_the_task_and_not_the_next_due_time(call: Call) -> None:
    due = made(call, jitter=600).next_due
    assert due is not None
    assert look(call, due) == due + HOUR
    (task,) = submitted(call)
    assert task.status == "scheduled"
    assert to_us(due) <= task.run_at_us <= to_us(due) + 600_000_000


def test_what_cannot_be_submitted_any_more_is_refused_each_time_and_costs_the_others_nothing(
    call: Call,
) -> None:
    due = made(call).next_due
    assert due is not None
    made(call, name="other")
    with call.rook.engine.begin() as connection:
        connection.execute(BURN)
    for hours in range(2):
        look(call, due + hours * HOUR)
    assert [each[1] for each in history(call)] == ["refused", "refused"]
    assert "burn" in history(call)[0][2]
    assert history(call, "other")[0][1] == "fired"


def test_a_timing_that_is_none_any_more_ends_it_with_its_reason(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    made(call, name="other")
    gone = json.dumps({"type": "cron", "line": "0 * * * *", "zone": "Europe/Atlantis"})
    with call.rook.engine.begin() as connection:
        connection.execute(text("UPDATE schedule SET timing = :t WHERE name = 'hourly'"), {"t": gone})
    assert look(call, due) == due + HOUR  # of the other
    assert history(call) == [(due, "refused", history(call)[0][2])]
    assert "Europe/Atlantis" in history(call)[0][2]
    assert call(service.update, "hourly", timing=Cron("0 * * * *")).next_due is not None


def test_a_change_between_the_look_and_the_firing_is_heard(call: Call) -> None:
    """Another timing may be due at the same time: the next time would be that of the old one."""
    due = made(call).next_due
    assert due is not None
    seen = call(store.due, [TAKE], to_us(due), 1)[0]
    call(service.update, "hourly", timing=Cron("0 */2 * * *"))
    with call.rook.engine.begin() as connection:
        connection.execute(text("UPDATE schedule SET next_due_us = :due"), {"due": seen.next_due_us})
    assert call(store.advance, seen, to_us(due + HOUR)) is None
    assert call(store.get, "hourly").next_due == due


def test_a_person_may_have_it_run_now(call: Call) -> None:
    due = made(call, enabled=False).next_due
    task_id = call(run_now, "hourly")
    (task,) = submitted(call)
    assert (task.id, task.idempotency_key) == (task_id, None)
    info = call(store.get, "hourly")
    assert (info.last_task_id, info.next_due) == (task_id, due)
    assert history(call) == [(None, "fired", "")]
    assert ("schedule.fired", "hourly", {"schedule_id": info.id, "task_id": task_id, "due": None}) in audited(
        call
    )


def test_but_not_beside_its_last_task(call: Call) -> None:
    made(call)
    task_id = call(run_now, "hourly")
    with pytest.raises(ScheduleBusy, match=f"{task_id}, is pending.*cancel it"):
        call(run_now, "hourly")
    end(call, task_id)
    call(run_now, "hourly")
    with pytest.raises(ScheduleNotFound):
        call(run_now, "daily")


def test_what_it_submitted_outlives_it(call: Call) -> None:
    due = made(call).next_due
    look(call, due)
    call(service.delete, "hourly")
    assert [task.status for task in submitted(call)] == ["pending"]
    again = made(call)
    assert history(call) == []
    look(call, again.next_due)
    assert len(submitted(call)) == 2


def test_a_firing_that_breaks_off_leaves_all_as_it_was_and_costs_the_others_nothing(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = made(call)
    made(call, name="other")
    remember = store.remember

    def break_off(session: Any, schedule_id: str, came: Any) -> None:
        if schedule_id == info.id:
            raise RuntimeError("broken off")
        remember(session, schedule_id, came)

    monkeypatch.setattr(store, "remember", break_off)
    assert info.next_due is not None
    with pytest.raises(ExceptionGroup, match="did not fire") as failure:
        look(call, info.next_due)
    assert failure.value.exceptions[0].__notes__ == ["It was the schedule hourly."]
    assert call(store.get, "hourly") == info
    assert [task.id for task in submitted(call)] == [call(store.get, "other").last_task_id]
    monkeypatch.undo()
    look(call, info.next_due)
    assert len(submitted(call)) == 2


def test_a_database_that_is_away_is_the_workers_to_wait_for(call: Call, monkeypatch: Any) -> None:
    """It is no reason to think that the schedule is at fault."""
    made(call)

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(store, "advance", away)
    with pytest.raises(Unavailable):
        look(call, now() + DAY)


def test_what_is_for_a_task_of_another_program_is_left_to_that_one(call: Call) -> None:
    due = made(call).next_due
    assert due is not None
    with app.open(config=call.config, actor="a worker without notes") as stranger:
        assert fire_due(stranger, to_us(due)) is None
    assert (submitted(call), history(call)) == ([], [])
    look(call, due)
    assert [task.type for task in submitted(call)] == [TAKE]
