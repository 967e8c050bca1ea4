"""Making, changing, switching and deleting schedules, in both worlds and on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from rookery.base.clock import now
from rookery.base.errors import Invalid
from rookery.domains.schedules import service, store
from rookery.domains.schedules.errors import BadSchedule, ScheduleExists, ScheduleNotFound, UnknownZone
from rookery.domains.schedules.timing import Cron, Every, Once
from rookery.mechanisms.tasks.errors import PayloadNotValid, UnknownTaskType
from tests.conftest import Call

NIGHTLY = Cron("0 3 * * *", "Europe/Berlin")
TAKE = "notes.take"


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def test_a_schedule_is_made_and_found_again(call: Call) -> None:
    made = call(service.create, "nightly", NIGHTLY, TAKE, {"text": "good night"}, jitter=60, priority=3)
    assert made == call(store.get, "nightly")
    assert call(store.list_) == [made]
    assert (made.name, made.timing, made.task_type, made.payload) == (
        *("nightly", NIGHTLY, TAKE, {"text": "good night"}),
    )
    assert (made.jitter, made.priority, made.missed, made.overlap) == (60, 3, "once", "skip")
    assert (made.is_enabled, made.created_by) == (True, "tester")
    assert made.next_due == call(service.preview, NIGHTLY, 1)[0]
    assert (made.last_fired, made.last_task_id, made.last_status) == (None, None, None)


def test_what_is_done_with_it_is_audited(call: Call) -> None:
    id_ = call(service.create, "nightly", NIGHTLY, TAKE).id
    call(service.update, "nightly", jitter=5, overlap="allow")
    call(service.update, "nightly", jitter=5)
    call(service.disable, "nightly")
    call(service.disable, "nightly")
    call(service.enable, "nightly")
    call(service.delete, "nightly")
    same = {"schedule_id": id_}
    assert audited(call) == [
        ("schedule.created", "nightly", same | {"when": "0 3 * * * Europe/Berlin", "task_type": TAKE}),
        ("schedule.updated", "nightly", same | {"changed": ["jitter", "overlap"]}),
        ("schedule.disabled", "nightly", same),
        ("schedule.enabled", "nightly", same),
        ("schedule.deleted", "nightly", same),
    ]


def test_a_name_is_given_once(call: Call) -> None:
    call(service.create, "nightly", NIGHTLY, TAKE)
    with pytest.raises(ScheduleExists, match="nightly already"):
        call(service.create, "nightly", Every(60), TAKE)
    assert [each.timing for each in call(store.list_)] == [NIGHTLY]


@pytest.mark.parametrize("verb", [service.update, service.enable, service.disable, service.delete])
def test_what_is_not_there_is_not_found(call: Call, verb: Any) -> None:
    with pytest.raises(ScheduleNotFound, match="no schedule nightly"):
        call(verb, "nightly")
    for look in (store.get, store.history, service.preview):
        with pytest.raises(ScheduleNotFound):
            call(look, "nightly")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": "No Name"}, BadSchedule),
        ({"timing": Cron("0 3 * * *", "Berlin")}, UnknownZone),
        ({"timing": Once(datetime(2020, 1, 1, tzinfo=UTC))}, BadSchedule),
        ({"timing": "0 3 * * *"}, BadSchedule),
        ({"task_type": "notes.burn"}, UnknownTaskType),
        ({"payload": {"txt": "good night"}}, PayloadNotValid),
        ({"payload": b"\xff"}, Invalid),
        ({"priority": 10}, BadSchedule),
        ({"jitter": 1.5}, BadSchedule),
        ({"missed": "never"}, BadSchedule),
        ({"missed": "all"}, BadSchedule),
    ],
)
def test_what_is_not_valid_is_refused_and_nothing_is_stored(
    call: Call, changes: dict[str, Any], error: type[Exception]
) -> None:
    good = {"name": "nightly", "timing": NIGHTLY, "task_type": TAKE, "payload": {"text": "good night"}}
    with pytest.raises(error):
        call(service.create, **good | changes)
    assert call(store.list_) == []
    call(service.create, **good)
    if "name" not in changes:
        with pytest.raises(error):
            call(service.update, "nightly", **changes)
    assert call(store.get, "nightly").payload == {"text": "good night"}
    assert [type_ for type_, _, _ in audited(call)] == ["schedule.created"]


def test_a_new_timing_makes_it_due_at_another_time(call: Call) -> None:
    call(service.create, "nightly", NIGHTLY, TAKE)
    before = now()
    due = call(service.update, "nightly", timing=Every(3600)).next_due
    assert before + timedelta(hours=1) <= due <= now() + timedelta(hours=1)


def test_anything_else_leaves_it_due_when_it_was(call: Call) -> None:
    made = call(service.create, "nightly", Every(3600), TAKE)
    changed = call(service.update, "nightly", payload={"text": "other"}, missed="skip")
    assert (changed.next_due, changed.payload, changed.missed) == (made.next_due, {"text": "other"}, "skip")


def test_one_that_is_disabled_is_never_due_until_it_is_enabled(call: Call) -> None:
    made = call(service.create, "nightly", NIGHTLY, TAKE, enabled=False)
    assert (made.is_enabled, made.next_due) == (False, None)
    assert call(service.update, "nightly", timing=Every(3600)).next_due is None
    assert call(service.enable, "nightly").next_due > now()
    assert call(service.disable, "nightly").next_due is None


def test_one_whose_date_is_past_cannot_be_enabled_until_it_has_another(call: Call) -> None:
    call(service.create, "once", Once(now() + timedelta(days=1)), TAKE, enabled=False)
    past = msgspec.json.encode(Once(now() - timedelta(days=1))).decode()
    with call.rook.engine.begin() as connection:
        connection.execute(text("UPDATE schedule SET timing = :past"), {"past": past})
    with pytest.raises(BadSchedule, match="date of once is past"):
        call(service.enable, "once")
    assert not call(store.get, "once").is_enabled
    call(service.update, "once", timing=Once(now() + timedelta(days=1)))
    assert call(service.enable, "once").is_enabled


def test_a_preview_shows_what_would_be_and_changes_nothing(call: Call) -> None:
    made = call(service.create, "hourly", Every(3600), TAKE, enabled=False)
    first, second, third = call(service.preview, "hourly", 3)
    assert second - first == third - second == timedelta(hours=1)
    assert len(call(service.preview, NIGHTLY)) == 5
    assert call(service.preview, Once(third), 5) == [third]
    assert call(store.get, "hourly") == made
    for count in (0, 1_001):
        with pytest.raises(BadSchedule, match="Between 1 and 1000"):
            call(service.preview, NIGHTLY, count)
