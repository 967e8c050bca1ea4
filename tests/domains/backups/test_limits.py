"""A device is talked to by one task at a time."""

from __future__ import annotations

from rookery.mechanisms.tasks.claiming import claim
from rookery.mechanisms.tasks.service import submit_task
from tests.conftest import Call

KINDS = ("backups.capture", "backups.reach")


def claimed(call: Call) -> list[str]:
    """Who of all that wait may begin."""
    with call.rook.engine.begin() as connection:
        return [task.id for task in claim(connection, "me", 10, KINDS).tasks]


def test_whatever_name_it_is_called_by_and_whatever_is_wanted_of_it(call: Call) -> None:
    device = call.rook.devices.create("r1", "192.0.2.1", "ios").id
    first = call(submit_task, "backups.capture", {"device": "r1"})
    others = [
        call(submit_task, kind, {"device": name}) for kind in KINDS for name in ("R1", device, device[:-1])
    ]
    assert claimed(call) == [first]
    assert [call.rook.tasks.get_task(task_id).waits_for for task_id in others] == [f"device {device}"] * 6


def test_two_devices_are_talked_to_at_a_time_also_by_names_that_nobody_knows_yet(call: Call) -> None:
    call.rook.devices.create("r1", "192.0.2.1", "ios")
    ids = [call(submit_task, "backups.capture", {"device": name}) for name in ("r1", "r2")]
    assert claimed(call) == ids
