"""POST with an Idempotency-Key: sent twice, done once, answered the same.

As in draft-ietf-httpapi-idempotency-key-header. The key is the caller's own; with another route or body it is
refused. A refusal is not kept: nothing was done, and the next try may succeed. Neither are answers that tell
secrets: only those to what has been made or submitted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from fastapi import Request
from starlette.responses import Response

from rookery.faces.api.errors import BodyNotValid, KeyReused, StillAtIt
from rookery.mechanisms.replies import store

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.domains.users.permissions import Principal

LONGEST_KEY = 255  # characters
KEPT = frozenset({HTTPStatus.CREATED, HTTPStatus.ACCEPTED})


async def once(
    rook: AsyncRook, request: Request, principal: Principal, act: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer to a request: that of `act`, or of an earlier one with the same key.

    Raises KeyReused, StillAtIt, and what `act` raises.
    """
    sent = request.headers.get("idempotency-key")
    if sent is None:
        return await act()
    if not 0 < len(sent) <= LONGEST_KEY:
        raise BodyNotValid(f"a key has 1 to {LONGEST_KEY} characters.", "Idempotency-Key")
    key = sha256(f"{principal.user_id}\n{sent}".encode()).hexdigest()
    route = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    digest = sha256(route + await request.body()).hexdigest()
    kept = await store.claim(rook, key, digest)
    if kept is not None:
        return _again(kept, digest)
    try:
        response = await act()
    except BaseException:
        await store.release(rook, key)
        raise
    if response.status_code in KEPT:
        headers = msgspec.json.encode(dict(response.headers)).decode()
        await store.keep(rook, key, response.status_code, headers, bytes(response.body))
    else:
        await store.release(rook, key)
    return response


def _again(kept: store.Kept, digest: str) -> Response:
    if kept.digest != digest:
        raise KeyReused
    if not kept.status:
        raise StillAtIt
    headers = msgspec.json.decode(kept.headers, type=dict[str, str])
    return Response(kept.body, kept.status, headers | {"Idempotency-Replayed": "true"})
