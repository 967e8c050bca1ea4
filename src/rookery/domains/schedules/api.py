"""The routes of schedules."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Query

from rookery.domains.backups.tasks import REACH_ALL
from rookery.domains.backups.tasks import RUN as BACK_UP
from rookery.domains.scans.plan import decode_plan
from rookery.domains.scans.remote import refuse_files
from rookery.domains.scans.service.checking import CHECK
from rookery.domains.scans.service.queueing import RUN as SCAN
from rookery.domains.schedules.document import FiringInfo, ScheduleInfo
from rookery.domains.schedules.rules import Missed, Overlap
from rookery.domains.schedules.timing import Timing
from rookery.domains.users.permissions import require
from rookery.faces.api.routing import Caller, Changes, Most, Page, Router, Submitted, submitted

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.users.permissions import Principal

api = Router("schedules")


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When which task is to be submitted; `jitter` is in seconds."""

    name: str
    timing: Timing
    task_type: str
    payload: Any = None
    priority: int = 5
    jitter: int = 0
    missed: Missed = Missed.ONCE
    overlap: Overlap = Overlap.SKIP
    enabled: bool = True


class Preview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many times, and of which timing."""

    timing: Timing
    count: int = 5


class Dues(msgspec.Struct, frozen=True):
    """The next times a schedule is due, in UTC."""

    dues: list[datetime]


@api.get("/schedules", "schedules:read")
async def list_schedules(rook: AsyncRook, /) -> Page[ScheduleInfo]:
    """List schedules by name."""
    return Page(await rook.schedules.list())


@api.post("/schedules", "schedules:write")
async def create_schedule(
    rook: AsyncRook, /, schedule: NewSchedule, caller: Annotated[Principal, Caller]
) -> ScheduleInfo:
    """Have a task submitted whenever it is due."""
    _refuse_what_tasks_may(caller, schedule.task_type, schedule.payload)
    return await rook.schedules.create(**msgspec.structs.asdict(schedule))


@api.get("/schedules/{schedule}", "schedules:read")
async def get_schedule(rook: AsyncRook, /, schedule: str) -> ScheduleInfo:
    """One schedule, by its name or id."""
    return await rook.schedules.get(schedule)


@api.patch("/schedules/{schedule}", "schedules:write")
async def update_schedule(
    rook: AsyncRook, /, schedule: str,
    changes: Annotated[dict[str, Any], Changes(NewSchedule, leave=("name", "enabled"))],
    caller: Annotated[Principal, Caller],
) -> ScheduleInfo:  # fmt: skip
    """Change parts of a schedule."""
    before = await rook.schedules.get(schedule)
    payload = changes.get("payload", before.payload)
    _refuse_what_tasks_may(caller, changes.get("task_type", before.task_type), payload)
    return await rook.schedules.update(schedule, **changes)


@api.delete("/schedules/{schedule}", "schedules:write")
async def delete_schedule(rook: AsyncRook, /, schedule: str) -> None:
    """Delete a schedule and its history."""
    await rook.schedules.delete(schedule)


@api.post("/schedules/{schedule}/enable", "schedules:write", HTTPStatus.OK)
async def enable_schedule(rook: AsyncRook, /, schedule: str) -> ScheduleInfo:
    """Have a schedule fire from now on."""
    return await rook.schedules.enable(schedule)


@api.post("/schedules/{schedule}/disable", "schedules:write", HTTPStatus.OK)
async def disable_schedule(rook: AsyncRook, /, schedule: str) -> ScheduleInfo:
    """Have a schedule not fire until it is enabled."""
    return await rook.schedules.disable(schedule)


@api.post("/schedules/{schedule}/run", "schedules:write", HTTPStatus.ACCEPTED)
async def run_schedule(rook: AsyncRook, /, schedule: str) -> Submitted:
    """Submit the task of a schedule now; it stays due when it was."""
    return submitted(await rook.schedules.run_now(schedule))


@api.get("/schedules/{schedule}/next", "schedules:read")
async def preview_schedule(
    rook: AsyncRook, /, schedule: str, count: Annotated[int, Query(ge=1, le=100)] = 5
) -> Dues:
    """When a schedule is due next."""
    return Dues(await rook.schedules.preview(schedule, count))


@api.post("/schedules/preview", "schedules:read", HTTPStatus.OK)
async def preview_timing(rook: AsyncRook, /, wanted: Preview) -> Dues:
    """When a schedule of this timing would be due next; nothing is kept."""
    return Dues(await rook.schedules.preview(wanted.timing, wanted.count))


@api.get("/schedules/{schedule}/history", "schedules:read")
async def list_firings(rook: AsyncRook, /, schedule: str, limit: Most = 20) -> Page[FiringInfo]:
    """What came of a schedule's latest due times, newest first."""
    return Page(await rook.schedules.history(schedule, limit=limit))


def _refuse_what_tasks_may(caller: Principal, task_type: str, payload: Any) -> None:
    """Backups, and scans that read no files of this machine, are for whoever schedules; any task is not."""
    if task_type in {SCAN, CHECK}:
        refuse_files(decode_plan(msgspec.json.encode(payload).decode()))
    elif task_type not in {BACK_UP, REACH_ALL}:
        require(caller, "tasks:submit")
