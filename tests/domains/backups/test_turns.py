"""A device is talked to by one at a time: who finds it taken waits, and is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import rookery
from rookery.demo.fleet import SimulatedDevice
from rookery.domains.backups import reaching, service
from rookery.domains.backups.errors import DeviceBusy
from rookery.domains.backups.probing import service as probing
from rookery.domains.credentials import service as credentials
from rookery.domains.devices import service as devices
from rookery.domains.devices import store as inventory
from rookery.domains.settings import service as settings
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.store.turns import Turn, turns_of
from tests.conftest import Call
from tests.domains.backups.conftest import PASSWORD, device, fleet
from tests.patience import PATIENCE, wait_for

CHILD = Path(__file__).parents[2] / "crash" / "backup_child.py"

WAYS: dict[str, Callable[..., Any]] = {
    "capture": lambda rook: service.capture(rook, "r1"),
    "run": lambda rook: service.run(rook, names=["r1"]),
    "reach": lambda rook: reaching.reach(rook, names=["r1"]),
    "reach_one": lambda rook: reaching.reach_one(rook, "r1"),
    "try_platform": lambda rook: probing.try_platform(rook, "ios", "r1"),
}


def known(call: Call, one: SimulatedDevice) -> str:
    """Describe a device as r1; its id."""
    call(credentials.create, "lab", "admin", password=PASSWORD)
    return str(call(devices.create, "r1", "127.0.0.1", "ios", port=one.port).id)


@contextmanager
def taken(call: Call, device_id: str) -> Iterator[None]:
    """While somebody else, who has opened the same database, talks to a device."""
    engine = open_engine(call.config.database_url)
    turn = Turn(turns_of(engine, call.config.data_dir), f"device {device_id}")
    assert turn.take()
    yield
    turn.give()
    engine.dispose()


@pytest.mark.parametrize("way", WAYS)
def test_who_finds_a_device_taken_waits_and_is_told(
    call: Call, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = device()
    with fleet([one]), ThreadPoolExecutor(1) as somebody:
        device_id = known(call, one)
        assert not call.is_async or call.async_rook  # opened where it is closed
        with taken(call, device_id):
            waiting = somebody.submit(call, WAYS[way])
            wait_for(lambda: "r1 is being talked to by another process or task" in caplog.text)
            assert one.logins == 0
        waiting.result(PATIENCE)
    assert one.logins == 1


def test_who_has_waited_for_too_long_is_told_and_it_is_no_failure_of_the_device(call: Call) -> None:
    one = device()
    with fleet([one]):
        device_id = known(call, one)
        call(settings.update_value, "backups.total_timeout", 0.1)
        with taken(call, device_id):
            with pytest.raises(DeviceBusy):
                call(service.capture, "r1")
            [of_many] = call(service.run, names=["r1"]).devices
    assert (of_many.status, of_many.code) == ("failed", "device-busy")
    assert (one.logins, call(inventory.get, "r1").failed_in_row) == (0, 0)


def test_a_device_is_free_when_whoever_talked_to_it_was_killed(data_dir: Path) -> None:
    one = device(answer_delay=1)
    with fleet([one]), rookery.open(data_dir) as rook:
        rook.credentials.create("lab", "admin", password=PASSWORD)
        rook.devices.create("r1", "127.0.0.1", "ios", port=one.port)
        with subprocess.Popen([sys.executable, CHILD, data_dir]) as child:
            wait_for(lambda: one.logins == 1)
            child.kill()
            child.wait(PATIENCE)
        assert rook.backups.capture("r1").status == "changed"
