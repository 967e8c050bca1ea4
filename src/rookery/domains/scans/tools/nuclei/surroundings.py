"""Where nuclei runs: a folder of its own that is gone afterwards, and what it has to know of this machine."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from rookery.base.config import Scan as Limits
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools.nuclei.command import write_files
from rookery.domains.scans.tools.nuclei.manners import Pacing
from rookery.mechanisms.transport import Gate, OutOfScope, Place

PORTS = {"http": 80, "https": 443}


@asynccontextmanager
async def at_home(
    targets: Sequence[str], templates: Sequence[str], name_servers: Sequence[str]
) -> AsyncIterator[Path]:
    """In a folder that has what nuclei reads."""
    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="rookery-nuclei-"))
    try:
        await asyncio.to_thread(write_files, home, targets, templates, name_servers)
        yield home
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


@asynccontextmanager
async def gated(
    targets: Sequence[str], scope: Scope, limits: Limits, on_refused: Callable[[OutOfScope], None]
) -> AsyncIterator[Gate]:
    """With a gate to dial through. Programs that resolve names themselves ask for addresses."""
    known = await addresses_of(targets)
    async with Gate(
        lambda host, address, _port: scope.allows(host, address) or address in known,
        patience=limits.timeout,
        pace=Pacing(limits).wait,
        on_refused=on_refused,
    ) as gate:
        yield gate


def free_port() -> int:
    """For nuclei's figures, which it asks itself for over HTTP; its default serves one nuclei at a time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def place_dialled(target: str) -> Place:
    """Where a target is dialled."""
    parts = urlsplit(target)
    return Place((parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0))


async def addresses_of(targets: Iterable[str]) -> frozenset[str]:
    """Where the names among the targets lead to: they are in the scope, or there would be no run."""
    loop = asyncio.get_running_loop()
    found: set[str] = set()
    for host in {place_dialled(target).host for target in targets}:
        with suppress(OSError, UnicodeError):
            found.update(str(entry[4][0]) for entry in await loop.getaddrinfo(host, None))
    return frozenset(found)
