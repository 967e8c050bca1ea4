"""`rookery up`: all of it in one process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import current_shell, note

if TYPE_CHECKING:
    from socket import socket

    from rookery.app import Rook
    from rookery.faces.api.serving import Address


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen on this address [api.host].")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help="Listen on this port [api.port].")
@click.option(
    "--workers", type=click.IntRange(0, 16), default=1, show_default=True, metavar="N",
    help="So many workers beside the API; 0: others do the tasks.",
)  # fmt: skip
@click.pass_context
def up(context: click.Context, *, host: str | None, port: int | None, workers: int) -> None:
    """Serve the REST API, do tasks and fire schedules, until Ctrl-C or SIGTERM.

    What runs at the end has queue.grace seconds. Beyond this machine, put a proxy with TLS before it.
    """
    from rookery.faces.api.serving import Address, listen

    rook = context.with_resource(current_shell().open())
    settings = rook.config.api
    where = Address(settings.host if host is None else host, settings.port if port is None else port)
    if settings.first_admin_password is not None:
        rook.users.first_admin(settings.first_admin, settings.first_admin_password)
    listening = context.with_resource(listen(where))
    address = Address(where.host, listening.getsockname()[1])
    _run(rook, listening, address, workers)
    note("Rookery has ended.")


def _run(rook: Rook, listening: socket, address: Address, count: int) -> None:
    import uvloop

    from rookery import app
    from rookery.faces.api.serving import serve, working

    workers = [app.worker_of(rook) for _ in range(count)]

    def end() -> None:
        for worker in workers:
            worker.stop()

    async def all_of_it() -> None:
        async with app.aopen(config=rook.config) as arook:
            await serve(arook, listening, on_ready=lambda: _say_where(rook, address, count), on_exit=end)

    with working(workers), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())


def _say_where(rook: Rook, address: Address, workers: int) -> None:
    host = f"[{address.host}]" if ":" in address.host else address.host
    url = f"http://{host}:{address.port}"
    note(f"Rookery is at {url}, its API at {url}/api/v1. Ctrl-C ends it in order.")
    if not workers:
        note("No worker is in this process: rookery worker starts one.")
    link = rook.users.setup_link()
    if link is not None:
        note(f"Nobody can log in yet. Make the first account: {url}{link}")
