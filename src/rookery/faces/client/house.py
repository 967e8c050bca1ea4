"""What `rookery.connect` opens: the faces of a Rook that is on another machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

from rookery.domains.audit import calls as audit
from rookery.domains.audit.face import Audit
from rookery.domains.backups import calls as backups
from rookery.domains.backups.face import Backups
from rookery.domains.credentials import calls as credentials
from rookery.domains.credentials.face import Credentials
from rookery.domains.devices import calls as devices
from rookery.domains.devices.face import Devices
from rookery.domains.findings import calls as findings
from rookery.domains.findings.face import Findings
from rookery.domains.notifications import calls as notifications
from rookery.domains.notifications.face import Notifications
from rookery.domains.scans import calls as scans
from rookery.domains.scans.face import Projects, Scans
from rookery.domains.schedules import calls as schedules
from rookery.domains.schedules.face import Schedules
from rookery.domains.settings import calls as settings
from rookery.domains.settings.face import Settings
from rookery.domains.templates import calls as templates
from rookery.domains.templates.face import Templates
from rookery.domains.users import calls as users
from rookery.domains.users.errors import NotPermitted
from rookery.domains.users.face import Users
from rookery.faces.client import tasks
from rookery.faces.client.calls import Call, Request, Steps, Streamed
from rookery.faces.client.verbs import AskedFor
from rookery.faces.client.wire import AsyncWire, Wire
from rookery.mechanisms.async_rook import AsyncRook
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.face import Tasks

PATIENCE = 60.0
"""Seconds for an answer."""

F = TypeVar("F")


class RemoteRook:
    """A Rook on another machine, for plain code; close it, or use it in a `with`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.audit: Audit[Rook] = _asked(Audit, audit.CALLS, wire)
        self.users: Users[Rook] = _asked(Users, users.CALLS, wire)
        self.devices: Devices[Rook] = _asked(Devices, devices.CALLS, wire)
        self.credentials: Credentials[Rook] = _asked(Credentials, credentials.CALLS, wire)
        self.backups: Backups[Rook] = _asked(Backups, backups.CALLS, wire)
        self.findings: Findings[Rook] = _asked(Findings, findings.CALLS, wire)
        self.scans: Scans[Rook] = _asked(Scans, scans.CALLS, wire)
        self.projects: Projects[Rook] = _asked(Projects, scans.PROJECT_CALLS, wire)
        self.templates: Templates[Rook] = _asked(Templates, templates.CALLS, wire)
        self.schedules: Schedules[Rook] = _asked(Schedules, schedules.CALLS, wire)
        self.tasks: Tasks[Rook] = _asked(Tasks, tasks.CALLS, wire)
        self.settings: Settings[Rook] = _asked(Settings, settings.CALLS, wire)
        self.notifications: Notifications[Rook] = _asked(Notifications, notifications.CALLS, wire)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._wire.close()


class AsyncRemoteRook:
    """A Rook on another machine, for coroutines: the same attributes, their verbs awaited."""

    def __init__(self, wire: AsyncWire) -> None:
        self.audit: Audit[AsyncRook] = _asked(Audit, audit.CALLS, wire)
        self.users: Users[AsyncRook] = _asked(Users, users.CALLS, wire)
        self.devices: Devices[AsyncRook] = _asked(Devices, devices.CALLS, wire)
        self.credentials: Credentials[AsyncRook] = _asked(Credentials, credentials.CALLS, wire)
        self.backups: Backups[AsyncRook] = _asked(Backups, backups.CALLS, wire)
        self.findings: Findings[AsyncRook] = _asked(Findings, findings.CALLS, wire)
        self.scans: Scans[AsyncRook] = _asked(Scans, scans.CALLS, wire)
        self.projects: Projects[AsyncRook] = _asked(Projects, scans.PROJECT_CALLS, wire)
        self.templates: Templates[AsyncRook] = _asked(Templates, templates.CALLS, wire)
        self.schedules: Schedules[AsyncRook] = _asked(Schedules, schedules.CALLS, wire)
        self.tasks: Tasks[AsyncRook] = _asked(Tasks, tasks.CALLS, wire)
        self.settings: Settings[AsyncRook] = _asked(Settings, settings.CALLS, wire)
        self.notifications: Notifications[AsyncRook] = _asked(Notifications, notifications.CALLS, wire)


def connect(url: str, token: str, *, timeout: float = PATIENCE) -> RemoteRook:
    """Open the Rookery that `rookery up` serves at `url`, for plain code, with a token of `rookery tokens`.

    Its faces are those of a Rook, their verbs requests to the API: what they return and raise is the same.
    What takes the files, keys or passwords of the other machine raises OnlyAtHome. `timeout` is in seconds,
    for each answer. Raises AddressNotValid, TokenUnusable, ServerUnreachable, NotRookery, NotAuthenticated.
    """
    wire = Wire(url, token, timeout)
    try:
        wire.take(_introduced())
    except BaseException:
        wire.close()
        raise
    return RemoteRook(wire)


@asynccontextmanager
async def aconnect(
    url: str,
    token: str,
    *,
    timeout: float = PATIENCE,  # noqa: ASYNC109  of the transport
) -> AsyncIterator[AsyncRemoteRook]:
    """Open the Rookery that `rookery up` serves at `url`, for coroutines, as `connect` does."""
    wire = AsyncWire(url, token, timeout)
    try:
        await wire.take(_introduced())
        yield AsyncRemoteRook(wire)
    finally:
        await wire.close()


def _introduced() -> Steps:
    """Find out at once whether anybody is there, and lets us in."""
    try:
        yield Request("GET", "/session")
    except NotPermitted:  # it is not a token for that, but it is one
        return


def _asked(face: type[F], calls: Mapping[str, Call | Streamed], wire: Wire | AsyncWire) -> F:
    """A face, each of whose verbs is asked for."""
    return cast("F", AskedFor(cast("Any", face), calls, wire))
