"""Runs a template file against a server as a scan does: over the real client, to loopback only."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path

from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.mechanisms.engine import Outcome, Target, Template, load_template
from rookery.mechanisms.transport import (
    DiskFiles,
    HttpClient,
    Ports,
    ports_beside,
    run_template,
    run_templates,
)

NUCLEI = Path(__file__).parent / "nuclei"


def load(name: str) -> Template:
    """The template of a file below conformance/nuclei."""
    path = NUCLEI / name
    return load_template(path.read_bytes(), path=str(path), files=LibraryFiles(NUCLEI))


def scan(
    template: Template, url: str, *, variables: Mapping[str, str] | None = None, timeout: float = 30.0
) -> Outcome:
    """What comes of a template on a target; `timeout` is in seconds for each request."""

    async def run() -> Outcome:
        async with HttpClient(is_loopback, timeout=timeout) as client:
            return await run_template(Ports(client), template, Target(url), variables)

    with asyncio.Runner() as runner:
        return runner.run(run())


def scan_together(templates: Sequence[Template], url: str) -> list[Outcome]:
    """What comes of several templates on one target, run together as a scan does."""

    async def run() -> list[Outcome]:
        async with HttpClient(is_loopback) as client:
            running = run_templates(Ports(client), templates, [Target(url)])
            return [done.outcome async for done in running]

    with asyncio.Runner() as runner:
        return runner.run(run())


def given(name: str, **replaced: str) -> Template:
    """The same; `replaced` gives texts that stand for others, such as a free port: `_443="8443"`."""
    data = (NUCLEI / name).read_bytes()
    for old, new in replaced.items():
        data = data.replace(old.removeprefix("_").encode(), new.encode())
    return load_template(data, path=str(NUCLEI / name))


async def outcome_of(
    template: Template, target: Target | str, *, resolvers: Sequence[str] = (), roots: Sequence[Path] = ()
) -> Outcome:
    """What comes of a template of any protocol on a target, with every port."""
    target = Target(target) if isinstance(target, str) else target
    async with HttpClient(is_loopback) as http:
        ports = ports_beside(http, is_loopback, resolvers=resolvers, files=DiskFiles(roots))
        return await run_template(ports, template, target)


def is_loopback(_host: str, address: str, _port: int) -> bool:
    """The scope of these tests."""
    return ipaddress.ip_address(address).is_loopback
