"""What a run on many devices needs, read once: credentials, host keys, platforms; and whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from rookery.base.clock import now
from rookery.base.config import Config
from rookery.domains.backups.collecting import Collected, Job, Uses, collect, reach
from rookery.domains.backups.guard import Guard
from rookery.domains.credentials import service as credentials
from rookery.domains.credentials.rules import fitting
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience
from rookery.mechanisms.vault.keys import open_vault

FAILURES: Final = 3
"""Failures in a row after which a device is left alone for a while, unless it is asked for by name."""
SHORTEST_REST: Final = timedelta(minutes=10)
LONGEST_REST: Final = timedelta(hours=12)


class Preparation:
    """For one run; its guard and lanes belong to the loop on which that talks to devices."""

    def __init__(self, rook: Rook) -> None:
        self.config: Config = rook.config
        self.vault = rook.offload(open_vault, rook.config)
        self._credentials = credentials.opened(rook)
        self.known = KnownHosts(devices.all_host_keys(rook))
        self._library = Library(rook.data_dir)
        self._guard = Guard()
        self._lanes: dict[str, asyncio.Semaphore] = {}

    def platform(self, name: str) -> Platform:
        """Raises PlatformNotFound, PlatformNotValid."""
        return self._library.get(name)

    def job(self, device: DeviceInfo) -> Job:
        """How to talk to a device. Raises PlatformNotFound, PlatformNotValid."""
        by_id = {each.info.id: each for each in self._credentials}
        moment = now()
        chosen = fitting((each.info for each in self._credentials), device.tags)
        free = [by_id[each.id] for each in chosen if not each.is_paused(moment)]
        settings = self.config.backups
        patience = Patience(
            connect=settings.connect_timeout, login=settings.login_timeout,
            command=settings.command_timeout, total=settings.total_timeout,
        )  # fmt: skip
        paused = tuple(each.name for each in chosen if each.is_paused(moment))
        return Job(
            device,
            self.platform(device.platform),
            free,
            paused,
            self.known,
            patience,
            settings.login_attempts,
        )

    async def collect(self, job: Job, uses: Uses) -> Collected:
        """The configuration of a device, when it is its site's turn. Raises what `collect` does."""
        async with self._lane(job.device.site):
            return await collect(job, self._guard, uses)

    async def reach(self, job: Job, uses: Uses) -> str:
        """The prompt of a device, when it is its site's turn."""
        async with self._lane(job.device.site):
            return await reach(job, self._guard, uses)

    @asynccontextmanager
    async def _lane(self, site: str) -> AsyncIterator[None]:
        most = self.config.backups.per_site
        if not (most and site):
            yield
            return
        async with self._lanes.setdefault(site, asyncio.Semaphore(most)):
            yield


def rests_until(device: DeviceInfo) -> datetime | None:
    """Until when a device that keeps failing is left alone: twice as long after each failure."""
    if device.failed_in_row < FAILURES or device.last_backup_at is None:
        return None
    doublings: int = min(device.failed_in_row - FAILURES, 10)
    rest = min(SHORTEST_REST * float(2**doublings), LONGEST_REST)
    return device.last_backup_at + rest
