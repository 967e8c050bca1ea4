"""All of it as one ASGI application: the routes of every domain below /api/v1, and how the process is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from rookery import __version__
from rookery.faces.api.access import Callers
from rookery.faces.api.feeds import Feeds
from rookery.faces.api.guarding import Guard, Limits
from rookery.faces.api.openapi import document_of
from rookery.faces.api.problems import handle_problems
from rookery.faces.api.routing import PREFIX

if TYPE_CHECKING:
    from rookery.app import AsyncRook
    from rookery.faces.api.endpoint import Endpoint
    from rookery.faces.api.routing import Router

ROUTERS = (
    "rookery.domains.devices.api",
    "rookery.domains.credentials.api",
    "rookery.domains.backups.api",
    "rookery.domains.templates.api",
    "rookery.domains.scans.api.runs",
    "rookery.domains.scans.api.projects",
    "rookery.domains.scans.api.findings",
    "rookery.domains.findings.api",
    "rookery.domains.schedules.api",
    "rookery.domains.audit.api",
    "rookery.domains.users.api.own",
    "rookery.domains.users.api.accounts",
    "rookery.domains.settings.api",
    "rookery.domains.notifications.api",
    "rookery.faces.api.tasks",
)
"""The modules that declare routes, each as `api`, in the order of the documentation."""
AT_THE_ROOT = ("rookery.faces.api.health", "rookery.faces.api.documentation", "rookery.faces.web.setup")
"""Those whose addresses have no version."""
EXPOSED = ["ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]
LEAST_TO_COMPRESS = 2_048  # bytes


def application(rook: AsyncRook) -> FastAPI:
    """The application that serves this house; it does not close it."""
    settings = rook.config.api
    app = FastAPI(
        title="Rookery", version=__version__, openapi_url=None, docs_url=None, redoc_url=None,
        separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.rook = rook
    app.state.limits = Limits(settings.requests_per_minute)
    app.state.callers = Callers()
    app.state.feeds = Feeds()
    for name in ROUTERS:
        app.include_router(_router(name).inner, prefix=PREFIX)
    for name in AT_THE_ROOT:
        app.include_router(_router(name).inner)
    handle_problems(app)
    app.state.document = document_of(app, endpoints())
    app.add_middleware(GZipMiddleware, minimum_size=LEAST_TO_COMPRESS, compresslevel=1)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key"],
            expose_headers=EXPOSED,
        )  # fmt: skip
    app.add_middleware(Guard, largest_body=settings.largest_body)
    return app


def endpoints() -> Iterator[Endpoint]:
    """Every route there is."""
    for name in (*ROUTERS, *AT_THE_ROOT):
        yield from _router(name).endpoints


def _router(name: str) -> Router:
    router: Router = import_module(name).api
    return router
