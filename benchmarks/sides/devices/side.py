"""One side: `… side.py WHO CONCURRENCY PORT…`; prints JSON: seconds, CPU seconds, megabytes, and what came.

rookery            the whole way: connect, collect, normalise, mask, compress, seal, store, audit
rookery-async      the same in async code: on one event loop, where the other has a thread for each at a time
rookery-again      the same of devices that have not changed since: there is no new version
rookery-collect    connect, five commands, close; nothing is done with what comes
asyncssh           connect, two commands, close; nothing is done with what comes
netmiko            the same, in a pool of threads
netmiko-kept       the same, and the script that keeps it: mask, compress, seal, store, audit
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.devices.document import DeviceInfo

SHOW = "show running-config"


def rookery(ports: list[int], concurrency: int, *, again: bool = False) -> list[int]:
    """Lines of each configuration that became a version, or was found to be the newest already."""
    with _house(ports, concurrency) as rook:
        if again:
            rook.backups.run()
        begin()
        report = rook.backups.run()
        end()
        wanted = "unchanged" if again else "changed"
        return [each.added for each in report.devices if each.status == wanted]


def rookery_async(ports: list[int], concurrency: int) -> list[int]:
    """Lines of each configuration that became a version."""
    from rookery import app

    with _house(ports, concurrency) as rook:
        config = rook.config

    async def run() -> list[int]:
        async with app.aopen(config=config, actor="bench") as rook:
            begin()
            report = await rook.backups.run()
            end()
        return [each.added for each in report.devices if each.status == "changed"]

    with asyncio.Runner() as runner:
        return runner.run(run())


def rookery_collect(ports: list[int], concurrency: int) -> list[int]:
    """Lines of each configuration that came."""
    from rookery.domains.backups import collecting
    from rookery.domains.backups.preparing import Preparation

    with _house(ports, concurrency) as rook:
        devices = rook.devices.list()
        begin()
        prepared = Preparation(rook, devices)

        def one(device: DeviceInfo) -> int:
            job = prepared.job(device)
            come: collecting.Collected = rook.wait_for(
                prepared.talk, collecting.collect, job, collecting.Uses()
            )
            return come.text.count(b"\n")

        found = rook.each(one, devices, limit=concurrency)
        end()
        return found


@contextmanager
def _house(ports: list[int], concurrency: int) -> Iterator[Rook]:
    """With these devices, described by another process: neither that nor making the tables is measured."""
    from rookery import app
    from rookery.base.config import Backups, Config

    config = Config(data_dir=Path(tempfile.mkdtemp()), backups=Backups(concurrency=concurrency))
    describing = get_context("fork").Process(target=_describe, args=(config, ports))
    describing.start()
    describing.join()
    with app.open(config=config, actor="bench") as rook:
        rook.backups.reach(names=["r0"])  # loads what the other sides import
        yield rook


def _describe(config: Any, ports: list[int]) -> None:
    from rookery import app

    with app.open(config=config, actor="bench") as rook:
        rook.credentials.create("all", "admin", password="admin")
        for number, port in enumerate(ports):
            rook.devices.create(f"r{number}", "127.0.0.1", "ios", port=port)


def asyncssh(ports: list[int], concurrency: int) -> list[int]:
    """Lines of each configuration that came."""
    import asyncssh as library

    async def one(port: int, places: asyncio.Semaphore) -> int:
        async with places, library.connect(
            "127.0.0.1", port, username="admin", password="admin", known_hosts=None, client_keys=None,
            encryption_algs=["aes128-gcm@openssh.com"], config=None, agent_path=None,
        ) as connection:  # fmt: skip
            process = await connection.create_process(term_type="vt100", term_size=(511, 0))
            await process.stdout.readuntil("#")
            process.stdin.write("terminal length 0\n")
            await process.stdout.readuntil("#")
            process.stdin.write(f"{SHOW}\n")
            text: str = await process.stdout.readuntil("\nend\r\n")
            process.stdin.write("exit\n")
            return text.count("\n")

    async def all_of_them() -> list[int]:
        places = asyncio.Semaphore(concurrency)
        begin()
        found = await asyncio.gather(*(one(port, places) for port in ports))
        end()
        return found

    with asyncio.Runner() as runner:
        return runner.run(all_of_them())


def netmiko(ports: list[int], concurrency: int, keep: Callable[[str], object] = len) -> list[int]:
    """Lines of each configuration that came."""
    from netmiko import ConnectHandler

    def one(port: int) -> int:
        try:
            with ConnectHandler(
                device_type="cisco_ios", host="127.0.0.1", port=port, username="admin", password="admin"
            ) as connection:
                text = str(connection.send_command(SHOW, read_timeout=120))
            keep(text)
            return text.count("\n")
        except Exception:  # noqa: BLE001  counted
            return 0

    begin()
    with ThreadPoolExecutor(concurrency) as pool:
        found = list(pool.map(one, ports))
    end()
    return [lines for lines in found if lines]


def netmiko_kept(ports: list[int], concurrency: int) -> list[int]:
    """Lines of each configuration that came and was kept."""
    from benchmarks.sides.devices.script import Script

    return netmiko(ports, concurrency, Script(Path(tempfile.mkdtemp())).keep)


SIDES: dict[str, Callable[[list[int], int], list[int]]] = {
    "rookery": rookery, "rookery-async": rookery_async, "rookery-again": partial(rookery, again=True),
    "rookery-collect": rookery_collect, "asyncssh": asyncssh, "netmiko": netmiko,
    "netmiko-kept": netmiko_kept,
}  # fmt: skip
_clock: list[tuple[float, float]] = []


def begin() -> None:
    """Measure from here, without what is loaded and prepared."""
    _clock.append((time.perf_counter(), time.process_time()))


def end() -> None:
    """To here."""
    _clock.append((time.perf_counter(), time.process_time()))


def main() -> None:
    """Measure one side."""
    who, concurrency, *ports = sys.argv[1:]
    lines = SIDES[who](list(map(int, ports)), int(concurrency))
    (wall, cpu), (wall_end, cpu_end) = _clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "wall": wall_end - wall,
                "cpu": cpu_end - cpu,
                "peak": peak,
                "done": len(lines),
                "lines": max(lines, default=0),
            }
        )
    )


if __name__ == "__main__":
    main()
