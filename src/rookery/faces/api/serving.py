"""The process of `rookery up`: the API, a worker and its schedules, started and ended together."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

import uvicorn

from rookery.base.errors import Unavailable
from rookery.faces.api.application import application

if TYPE_CHECKING:
    from collections.abc import Callable

    from rookery.app import AsyncRook
    from rookery.mechanisms.tasks.queue import AnyWorker

ENDING = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 5
"""Seconds that requests under way have to end."""


class AddressInUse(Unavailable):
    """Nothing can listen there: another program does, or it is no address of this machine."""


class Address(NamedTuple):
    """Where to listen; port 0 is any free one."""

    host: str
    port: int


class _Server(uvicorn.Server):
    """A server that says when it is ready, and when it is told to end."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], object], on_exit: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._on_ready, self._on_exit = on_ready, on_exit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            gc.freeze()  # what is there stays: looked at again and again, it held up requests for 80 ms
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear signals while it serves, and do not raise them again when it has ended in order."""
        before = {number: signal.signal(number, self.handle_exit) for number in ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Hear a signal."""
        self._on_exit()
        super().handle_exit(sig, frame)


def listen(address: Address) -> socket.socket:
    """A socket that listens. Raises AddressInUse."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=1024)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # after it, Python repeats the address
        where = f"{address.host} port {address.port}"
        raise AddressInUse(f"{where}: {reason}. Give another: --host, --port.") from None


async def serve(
    rook: AsyncRook,
    listening: socket.socket,
    *,
    on_ready: Callable[[], object],
    on_exit: Callable[[], object],
) -> None:
    """Answer requests until SIGINT or SIGTERM.

    `on_ready` is called when the first can be answered, `on_exit` at the signal.
    """
    app = application(rook)
    loop = asyncio.get_running_loop()

    def end() -> None:
        on_exit()
        loop.call_soon_threadsafe(app.state.feeds.close)

    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=PATIENCE, lifespan="off",
        server_header=False, proxy_headers=False,
    )  # fmt: skip
    await _Server(config, on_ready, end).serve(sockets=[listening])


@contextmanager
def working(workers: Sequence[AnyWorker]) -> Iterator[None]:
    """Have these workers at work in threads until the block ends; what runs then has queue.grace seconds.

    At an interrupt while it waits for that, it is given back at once.
    """
    threads = [Thread(target=each.run, name=f"worker {each.presence.id[:13]}") for each in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        _stop(workers)
        try:
            _join(threads)
        except KeyboardInterrupt:
            _stop(workers)
            _join(threads)


def _stop(workers: Sequence[AnyWorker]) -> None:
    for worker in workers:
        worker.stop()


def _join(threads: Sequence[Thread]) -> None:
    for thread in threads:
        thread.join()
