"""What backups leave to workers: a task for each device, one at a time on each, below one that names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from rookery.base.clock import now
from rookery.base.config import Config
from rookery.domains.backups import reaching, service
from rookery.domains.backups.preparing import rests_until
from rookery.domains.devices import store as devices
from rookery.domains.devices.errors import DeviceNotFound
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy
from rookery.mechanisms.tasks.service import submit_task

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rookery.domains.devices.document import DeviceInfo
    from rookery.mechanisms.tasks.context import TaskContext

CAPTURE, RUN = "backups.capture", "backups.run"
REACH, REACH_ALL = "backups.reach", "backups.reach_all"
LONGEST = 1800.0
RETRY = RetryPolicy(temporary=2, other=0, first_delay=30.0, longest_delay=300.0)
"""A device that could not be reached may be there in a minute; what it refuses, it refuses again."""


class OneDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the inventory, by its id or name."""

    device: str
    accept_shrunken: bool = False


class ManyDevices(msgspec.Struct, frozen=True, kw_only=True):
    """Devices of the inventory: those named, or else those that the filter chooses."""

    filter: str = ""
    devices: tuple[str, ...] = ()


def capture(rook: Rook, context: TaskContext, wanted: OneDevice) -> service.Captured:
    """Back up one device."""
    context.report(message=f"talking to {wanted.device}")
    return service.capture(rook, wanted.device, accept_shrunken=wanted.accept_shrunken)


def reach(rook: Rook, context: TaskContext, wanted: OneDevice) -> service.Captured:
    """Log in on one device and hang up."""
    context.report(message=f"talking to {wanted.device}")
    return reaching.reach_one(rook, wanted.device)


def capture_all(rook: Rook, context: TaskContext, wanted: ManyDevices) -> dict[str, int]:
    """A backup of each device, unless it rests after many failures and is not named."""
    chosen = _chosen(rook, wanted)
    is_named = bool(wanted.devices)
    due = [each for each in chosen if each.is_enabled and (is_named or not _rests(each))]
    return _submitted(rook, context, CAPTURE, due) | {"skipped": len(chosen) - len(due)}


def reach_all(rook: Rook, context: TaskContext, wanted: ManyDevices) -> dict[str, int]:
    """A login on each device; those that rest are tried too, for they may be back."""
    chosen = _chosen(rook, wanted)
    due = [each for each in chosen if each.is_enabled]
    return _submitted(rook, context, REACH, due) | {"skipped": len(chosen) - len(due)}


def _submitted(rook: Rook, context: TaskContext, kind: str, due: list[DeviceInfo]) -> dict[str, int]:
    """A task for each device; one that has such a task already is not given another."""
    for number, device in enumerate(due):
        context.report(number, len(due), device.name)
        submit_task(
            rook, kind, {"device": device.id}, idempotency_key=f"device {device.id}",
            parent_id=context.task_id, priority=6,
        )  # fmt: skip
    return {"submitted": len(due)}


def _chosen(rook: Rook, wanted: ManyDevices) -> list[DeviceInfo]:
    if wanted.devices:
        return [devices.get(rook, name) for name in wanted.devices]
    return devices.list_(rook, wanted.filter)


def _rests(device: DeviceInfo) -> bool:
    until = rests_until(device)
    return until is not None and until > now()


def _one_at_a_time(session: Session, _config: Config, wanted: OneDevice) -> Mapping[str, int]:
    """By its id, whatever it is called; one that is not there is for the attempt to refuse."""
    try:
        device = devices.get(session, wanted.device).id
    except DeviceNotFound:
        device = wanted.device
    return {f"device {device}": 1}


TASKS: tuple[TaskType, ...] = (
    TaskType(
        name=CAPTURE, function=capture, payload=OneDevice, retry=RETRY, timeout=LONGEST,
        limits=_one_at_a_time, summary="Back up one device.",
    ),
    TaskType(
        name=RUN, function=capture_all, payload=ManyDevices, retry=RETRY, timeout=LONGEST,
        summary="Have many devices backed up, each by a task of its own.",
    ),
    TaskType(
        name=REACH, function=reach, payload=OneDevice, retry=RETRY, timeout=LONGEST,
        limits=_one_at_a_time, summary="Log in on one device and hang up.",
    ),
    TaskType(
        name=REACH_ALL, function=reach_all, payload=ManyDevices, retry=RETRY, timeout=LONGEST,
        summary="See which of many devices can be reached, each by a task of its own.",
    ),
)  # fmt: skip
