"""The routes of tasks and of their queue."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import StreamingResponse

from rookery.faces.api.feeds import STILL_HERE, Feeds, event, stream
from rookery.faces.api.routing import After, Limit, Page, Router, Submitted, page_of, place_of, submitted
from rookery.faces.api.streams import File, download
from rookery.faces.api.waiting import watch_of
from rookery.mechanisms.tasks.looking import QueueHealth, TaskInfo
from rookery.mechanisms.tasks.rules import ENDED, RetryPolicy, TaskStatus

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("tasks")


class NewTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done: a type of task, and what it is given; 0 is done first, 9 last.

    While a task of the same `idempotency_key` has not ended, or for so long (`window`), it is that one. It is
    not begun before `run_at`, and ended after `timeout` seconds. `retry` and `timeout` replace those of its
    type.
    """

    type: str
    payload: Any = None
    priority: int = 5
    idempotency_key: str | None = None
    window: timedelta | None = None
    run_at: datetime | None = None
    retry: RetryPolicy | None = None
    timeout: float | None = None
    parent_id: str | None = None


class Status(msgspec.Struct, frozen=True):
    """Where a task stands."""

    status: TaskStatus


class Cancelled(msgspec.Struct, frozen=True):
    """Whether there was anything left to cancel."""

    cancelled: bool


@api.get("/tasks", "tasks:read")
async def list_tasks(
    rook: AsyncRook, /, status: Annotated[list[TaskStatus] | None, Query()] = None,
    type_: Annotated[str | None, Query(alias="type")] = None,
    parent: Annotated[str | None, Query(description="Only tasks that this one has submitted.")] = None,
    id_: Annotated[list[str] | None, Query(alias="id", description="Only these.")] = None,
    limit: Limit = 50, after: After = "",
) -> Page[TaskInfo]:  # fmt: skip
    """List tasks, newest first."""
    before = place_of(after, str) if after else None
    found = await rook.tasks.list(
        status=status or (), type=type_, parent_id=parent, ids=id_, limit=limit + 1, before=before
    )
    return page_of(found, limit, lambda task: task.id)


@api.post("/tasks", "tasks:submit", HTTPStatus.ACCEPTED)
async def submit_task(rook: AsyncRook, /, task: NewTask) -> Submitted:
    """Submit a task of any type, with the payload that its type takes."""
    parts = msgspec.structs.asdict(task)
    return submitted(await rook.tasks.submit_task(parts.pop("type"), parts.pop("payload"), **parts))


@api.get("/tasks/{task_id}", "tasks:read")
async def get_task(rook: AsyncRook, /, task_id: str) -> TaskInfo:
    """One task, with the attempts that failed."""
    return await rook.tasks.get_task(task_id)


@api.get("/tasks/{task_id}/status", "tasks:read")
async def get_task_status(rook: AsyncRook, /, task_id: str) -> Status:
    """Where a task stands."""
    return Status(await rook.tasks.get_task_status(task_id))


@api.post("/tasks/{task_id}/cancel", "tasks:write", HTTPStatus.OK)
async def cancel_task(rook: AsyncRook, /, task_id: str) -> Cancelled:
    """Cancel a task; one that runs is told to stop."""
    return Cancelled(await rook.tasks.cancel_task(task_id))


@api.post("/tasks/{task_id}/retry", "tasks:write", HTTPStatus.ACCEPTED)
async def retry_task(rook: AsyncRook, /, task_id: str) -> Submitted:
    """Have a task that has failed done again."""
    await rook.tasks.retry_task(task_id)
    return submitted(task_id)


@api.get("/tasks/{task_id}/artifacts", "tasks:read")
async def list_artifacts(rook: AsyncRook, /, task_id: str) -> Page[File]:
    """List the files that a task has left."""
    return Page([File(*each) for each in await rook.tasks.artifacts(task_id)])


@api.get("/tasks/{task_id}/artifacts/{name:path}", "tasks:read")
async def get_artifact(rook: AsyncRook, /, task_id: str, name: str) -> StreamingResponse:
    """A file that a task has left."""
    return await download(rook.tasks.read_artifact(task_id, name))


@api.get("/tasks/{task_id}/events", "tasks:read")
async def follow_task(rook: AsyncRook, /, task_id: str, feeds: Feeds) -> StreamingResponse:
    """A task as it gets on, as server-sent events: `task` whenever it has changed, `end` at its end."""
    task = await rook.tasks.get_task(task_id)
    return stream(_progress(watch_of(rook, feeds).follow(task.id)))


async def _progress(states: AsyncGenerator[TaskInfo | None, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(states):
        async for task in states:
            yield STILL_HERE if task is None else event(task, name="task")
            if task is not None and task.status in ENDED:
                yield event(Status(task.status), name="end")
                return


@api.get("/queue/health", "tasks:read")
async def get_queue_health(rook: AsyncRook, /) -> QueueHealth:
    """How the queue is, and what is wrong with it."""
    return await rook.tasks.health()
