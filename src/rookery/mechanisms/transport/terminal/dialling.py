"""Reaching a device, before anything is said to it: no dead host keeps those waiting who have a password."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from rookery.mechanisms.transport.terminal.errors import DeviceRefused, DeviceUnreachable


async def dial(host: str, port: int, seconds: float) -> socket.socket:
    """A connected socket, at the first of the host's addresses that answers.

    Raises DeviceUnreachable, DeviceRefused.
    """
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(seconds):
            return await _first(await _addresses(host, port))
    except TimeoutError:
        raise DeviceUnreachable(f"{where}: no answer in {seconds:g} s. {DeviceUnreachable.__doc__}") from None
    except ConnectionRefusedError:
        raise DeviceRefused(f"{where}: {DeviceRefused.__doc__}") from None
    except socket.gaierror:
        message = f"{where}: the name is not known. {DeviceUnreachable.__doc__}"
        raise DeviceUnreachable(message) from None
    except OSError as error:
        # asyncio's own words are for programmers.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DeviceUnreachable(f"{where}: {reason}. {DeviceUnreachable.__doc__}") from error


async def _addresses(host: str, port: int) -> list[Any]:
    """What needs no look-up costs no thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


async def _first(addresses: list[Any]) -> socket.socket:
    *others, last = addresses
    for each in others:
        try:
            return await _connected(each)
        except OSError:
            continue
    return await _connected(last)


async def _connected(address: Any) -> socket.socket:
    family, kind, protocol, _, place = address
    line = socket.socket(family, kind, protocol)
    try:
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, place)
    except BaseException:
        line.close()
        raise
    return line
