"""How the process is, for whoever watches the watchtower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from rookery import __version__
from rookery.faces.api.routing import Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.mechanisms.rook import Rook

api = Router("health")


class Alive(msgspec.Struct, frozen=True):
    """It answers."""

    version: str
    status: str = "ok"


@api.get("/healthz", None)
async def get_health(_rook: AsyncRook, /) -> Alive:
    """Whether the process answers."""
    return Alive(__version__)


@api.get("/readyz", None)
async def get_readiness(rook: AsyncRook, /) -> Alive:
    """Whether it can do its work: the database answers. Else 503, with the reason."""
    await rook.tasks.list(limit=1)
    return Alive(__version__)


@api.get("/metrics", "metrics:read")
async def get_metrics(rook: AsyncRook, /) -> Response:
    """Figures for Prometheus, in its text format."""
    return Response(await rook.run_reading(_metrics), media_type="text/plain; version=0.0.4")


def _metrics(rook: Rook) -> bytes:
    from rookery.mechanisms.tasks.metrics import registry_of

    registry = registry_of(rook)
    from prometheus_client import generate_latest

    return generate_latest(registry)
