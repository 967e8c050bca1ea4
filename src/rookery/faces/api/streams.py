"""Answers that come piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec
from starlette.responses import StreamingResponse


class File(msgspec.Struct, frozen=True):
    """A file that some work has left; `size` is in bytes, the time in microseconds since 1970 UTC."""

    name: str
    size: int
    changed_us: int


T = TypeVar("T", str, bytes)


async def download(
    pieces: AsyncGenerator[T, None], media_type: str = "application/octet-stream"
) -> StreamingResponse:
    """A stream as an answer. What its first piece raises is raised here: an error is no broken stream."""
    first = await anext(pieces, None)
    headers = {"Content-Disposition": "attachment"}  # whatever is in it, no browser shows it as ours
    return StreamingResponse(_all(first, pieces), media_type=media_type, headers=headers)


async def _all(first: T | None, rest: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    try:
        if first is not None:
            yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()
