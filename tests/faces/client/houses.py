"""A house with something of everything in it, and what can be compared of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from rookery import ScanPlan, app
from rookery.demo.server import WeakServer
from rookery.domains.backups.diffing import Diff
from rookery.domains.scans.document import run_document
from rookery.domains.scans.models import Run
from rookery.domains.schedules.timing import Every
from rookery.mechanisms.store import Base
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet

BOTH_DATABASES = pytest.mark.parametrize(
    "config", ["sqlite_url", pytest.param("postgres_url", marks=pytest.mark.postgres)], indirect=True
)


def plain(value: Any) -> Any:
    """What can be compared: a row is its columns, a difference its hunks, a moment what it is to a second."""
    if isinstance(value, Run):
        return run_document(value)
    if isinstance(value, Base):
        return {name: each for name, each in vars(value).items() if name in value.__table__.columns}
    if isinstance(value, Diff):
        return [value.added, value.removed, value.hidden, value.is_empty, list(value.hunks())]
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


class Lab:
    """A house with something of everything in it."""

    def __init__(self, rook: app.Rook, web: WeakServer) -> None:
        self.rook, self.web = rook, web

    def furnish(self, closing: ExitStack) -> None:
        """Two devices, one of which has changed, a scan that has found something, a schedule, a channel."""
        rook, changing = self.rook, device()
        closing.enter_context(fleet([changing]))
        rook.credentials.create("lab", "admin", password=PASSWORD)
        rook.devices.create("r1", "127.0.0.1", "ios", port=changing.port, tags=("core",))
        rook.devices.create("r2", "192.0.2.2", "nxos")
        rook.backups.capture("r1")
        changing.script = device(text=configuration(more="ntp server 192.0.2.9\n")).script
        rook.backups.capture("r1")
        rook.scans.submit_scan(ScanPlan(endpoints=(self.web.url,), run_id="first"))
        rook.schedules.create("nightly", Every(seconds=3600), "backups.run", {})
        rook.notifications.create_channel("ops", "webhook", "http://127.0.0.1:9/x", secret="s" * 32)
        rook.notifications.create_rule("broken", ["backup.failed"], ["ops"])
        rook.settings.update_value("queue.keep_days", 7)
        rook.scans.add_to_scope("192.0.2.0/24")
        rook.projects.create("web", description="what is public")
        rook.projects.add_endpoints("web", ["http://127.0.0.1:1/", "127.0.0.1:22"])
        rook.tasks.submit_task("backups.reach_all", {"devices": ("r2",)}, priority=3)
        rook.audit.flush()
