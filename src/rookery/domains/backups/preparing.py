"""What a run on many devices needs, read once: credentials, host keys, platforms; and whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Final, TypeVar

from rookery.base.clock import now
from rookery.base.config import Config
from rookery.base.errors import RookeryError
from rookery.domains.backups.collecting import Candidate, Job, Uses
from rookery.domains.backups.guard import Guard
from rookery.domains.credentials import service as credentials
from rookery.domains.credentials.rules import CredentialInfo, Secret, fitting
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo, device_info
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from rookery.domains.devices.rules import DeviceSpec, valid
from rookery.domains.devices.service import new_row
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience
from rookery.mechanisms.vault.keys import open_vault

T = TypeVar("T")
Talk = Callable[[Job, Guard, Uses], Awaitable[T]]
"""What logs in on a device, as `collect` does."""
SSH: Final = "rookery.mechanisms.transport.terminal.ssh"
"""What takes 0.15 s to load, and only a login should cost."""
FAILURES: Final = 3
"""Failures in a row after which a device is left alone for a while, unless it is asked for by name."""
SHORTEST_REST: Final = timedelta(minutes=10)
LONGEST_REST: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Stranger:
    """A device that is in no inventory, and the login on it. Its host key is checked against nothing."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int | None = None


class Preparation:
    """For one run; its guard and lanes belong to the loop on which that talks to devices."""

    def __init__(self, rook: Rook, chosen: Sequence[DeviceInfo], *, platform: str | None = None) -> None:
        rook.offload(import_module, SSH)
        self.config: Config = rook.current_config()
        self.vault = rook.offload(open_vault, rook.config)
        self._credentials = {each.info: each.secret for each in credentials.opened(rook)}
        self.known = KnownHosts(devices.known_hosts(rook, _hosts(chosen)))
        names = {device.platform for device in chosen} | ({platform} if platform else set())
        self._platforms = rook.offload(_platforms, rook.data_dir, names)
        self._guard = Guard()
        self._lanes: dict[str, asyncio.Semaphore] = {}

    def platform(self, name: str) -> Platform:
        """Raises PlatformNotFound, PlatformNotValid."""
        found = self._platforms[name]
        if isinstance(found, RookeryError):
            raise found
        return found

    def job(self, device: DeviceInfo, credential: str = "", platform: Platform | None = None) -> Job:
        """How to talk to a device; with this credential alone, even if it is paused or of other tags; as with
        one of this platform, whatever its own. Raises PlatformNotFound, PlatformNotValid.
        """
        platform = platform or self.platform(device.platform)
        if credential:
            only = [each for each in self._credentials if credential in (each.id, each.name)]
            return self._job(device, platform, [self._candidate(each) for each in only], ())
        chosen = fitting(self._credentials, device.tags)
        paused = tuple(each.name for each in chosen if each.is_paused(now()))
        candidates = [self._candidate(each) for each in chosen if each.name not in paused]
        return self._job(device, platform, candidates, paused)

    def _candidate(self, info: CredentialInfo) -> Candidate:
        return Candidate(info.id, info.name, info.username, self._credentials[info])

    def job_for(self, stranger: Stranger, platform: Platform) -> Job:
        """How to talk to a device that nobody has described. Raises DeviceNotValid."""
        host, user = stranger.host, stranger.username
        spec = valid(
            DeviceSpec(name=host, address=host, platform=platform.name, port=stranger.port, trust="off")
        )
        candidate = Candidate("", user, user, Secret(stranger.password))
        return self._job(device_info(new_row(spec, "")), platform, [candidate], ())

    def _job(
        self,
        device: DeviceInfo,
        platform: Platform,
        candidates: Sequence[Candidate],
        paused: Sequence[str],
    ) -> Job:
        settings = self.config.backups
        patience = Patience(
            connect=settings.connect_timeout, login=settings.login_timeout,
            command=settings.command_timeout, total=settings.total_timeout,
        )  # fmt: skip
        return Job(device, platform, candidates, paused, self.known, patience, settings.login_attempts)

    async def talk(self, talk: Talk[T], job: Job, uses: Uses) -> T:
        """What comes of it, when it is the turn of the device's site. Raises what `talk` does."""
        async with self._lane(job.device.site):
            return await talk(job, self._guard, uses)

    @asynccontextmanager
    async def _lane(self, site: str) -> AsyncIterator[None]:
        most = self.config.backups.per_site
        if not (most and site):
            yield
            return
        async with self._lanes.setdefault(site, asyncio.Semaphore(most)):
            yield


def _platforms(data_dir: Path, names: Collection[str]) -> dict[str, Platform | RookeryError]:
    """What is wrong with a platform concerns its devices alone."""
    library = Library(data_dir)
    found: dict[str, Platform | RookeryError] = {}
    for name in names:
        try:
            found[name] = library.get(name)
        except RookeryError as error:
            found[name] = error
    return found


def _hosts(chosen: Sequence[DeviceInfo]) -> set[str]:
    """Where these devices are, and the hosts between."""
    jumps = {device.jump.rpartition("@")[2].partition(":")[0] for device in chosen if device.jump}
    return {device.address for device in chosen} | jumps


def rests_until(device: DeviceInfo) -> datetime | None:
    """Until when a device that keeps failing is left alone: twice as long after each failure."""
    if device.failed_in_row < FAILURES or device.last_backup_at is None:
        return None
    doublings: int = min(device.failed_in_row - FAILURES, 10)
    rest = min(SHORTEST_REST * float(2**doublings), LONGEST_REST)
    return device.last_backup_at + rest
