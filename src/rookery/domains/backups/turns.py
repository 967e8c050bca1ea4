"""One talks to a device at a time: tasks, commands and programs, whoever began first."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rookery.domains.backups.errors import DeviceBusy
from rookery.domains.devices.document import DeviceInfo
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store.turns import Turn

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""Between two tries to be the next."""


@contextmanager
def turn_of(rook: Rook, device: DeviceInfo, patience: float) -> Iterator[None]:
    """Around talking to a device. Raises DeviceBusy when another has not ended within so many seconds."""
    turn = Turn(rook.turns, f"device {device.id}")
    try:
        if not rook.offload(turn.take):
            log.warning("%s is being talked to by another process or task; waiting for its end", device.name)
            _wait(rook, turn, patience)
        yield
    finally:
        rook.offload(turn.give)


def _wait(rook: Rook, turn: Turn, patience: float) -> None:
    until = time.monotonic() + patience
    while not rook.offload(turn.take):
        if time.monotonic() >= until:
            raise DeviceBusy
        rook.wait_for(asyncio.sleep, LOOK_SECONDS)
