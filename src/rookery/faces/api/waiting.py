"""`Prefer: wait=N` (RFC 7240): whoever submits work may wait for its end in the same request, for a while."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rookery.faces.api.documents import Submitted
from rookery.faces.api.errors import TooManyStreams
from rookery.mechanisms.tasks.rules import ENDED

if TYPE_CHECKING:
    from fastapi import Request

    from rookery.app import AsyncRook
    from rookery.faces.api.feeds import Feeds, Watch
    from rookery.mechanisms.tasks.looking import TaskInfo

LONGEST = 60
"""Seconds; less than proxies wait for an answer."""
WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*(\d{1,9})\s*(?=$|[,;])", re.IGNORECASE)


def seconds_of(request: Request) -> int:
    """How long a caller would wait; 0 for whoever says nothing that can be understood."""
    found = WAIT.search(request.headers.get("prefer", ""))
    return min(int(found[1]), LONGEST) if found else 0


async def waited(rook: AsyncRook, feeds: Feeds, answer: Submitted, seconds: int) -> Submitted:
    """The answer when its task has ended, or so many seconds have passed: with where the task stands then."""
    with suppress(TimeoutError, TooManyStreams):
        async with asyncio.timeout(seconds), aclosing(watch_of(rook, feeds).follow(answer.task_id)) as states:
            async for task in states:
                if task is not None and task.status in ENDED:
                    break
    status = await rook.tasks.get_task_status(answer.task_id)
    return msgspec.structs.replace(answer, status=status)


def watch_of(rook: AsyncRook, feeds: Feeds) -> Watch:
    """Where tasks are followed, by id."""
    return feeds.of("tasks", partial(_look, rook))


async def _look(rook: AsyncRook, ids: frozenset[str]) -> Mapping[str, TaskInfo]:
    found = await rook.tasks.list(ids=tuple(ids), limit=len(ids))
    return {task.id: task for task in found}
