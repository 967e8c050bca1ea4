"""Ways to devices of the inventory: over Telnet, through another host; and how many at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncssh
import pytest

import rookery
from rookery.base.config import Config, Database
from rookery.base.config_fleet import Backups
from rookery.demo.fleet import SimulatedDevice
from rookery.demo.fleet.telnet import TelnetDevice
from rookery.domains.backups import service, store
from rookery.domains.credentials import service as credentials
from rookery.domains.devices import service as devices
from rookery.mechanisms.transport.terminal.errors import LoginFailed
from tests.beside import beside
from tests.conftest import Call
from tests.domains.backups.conftest import ASKED, PASSWORD, device, fleet


def test_a_device_is_backed_up_over_telnet(call: Call) -> None:
    one = device()
    with beside(TelnetDevice(one)):
        call(credentials.create, "lab", "admin", password=PASSWORD)
        call(devices.create, "r1", "127.0.0.1", "ios", port=one.port, transport="telnet")
        assert call(service.capture, "r1").status == "changed"
    shown = str(call(store.text, call(store.get, "r1").id))
    assert "hostname r1" in shown
    assert "$9$abc" not in shown


class Bastion(asyncssh.SSHServer):
    """Lets `keeper` through to loopback, for the password of the devices."""

    def begin_auth(self, _: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("keeper", PASSWORD)

    def connection_requested(self, dest_host: str, _port: int, _from: str, _from_port: int) -> bool:
        return dest_host == "127.0.0.1"


@contextmanager
def bastion() -> Iterator[int]:
    """The port of a jump host."""

    @asynccontextmanager
    async def listening() -> AsyncIterator[int]:
        key = asyncssh.generate_private_key("ssh-ed25519")
        async with await asyncssh.create_server(Bastion, "127.0.0.1", 0, server_host_keys=[key]) as server:
            yield server.get_port()

    with beside(listening()) as port:
        yield port


def test_a_device_is_backed_up_through_its_jump_host(call: Call) -> None:
    one = device()
    with fleet([one]), bastion() as port:
        call(credentials.create, "lab", "admin", password=PASSWORD)
        call(devices.create, "r1", "127.0.0.1", "ios", port=one.port, jump=f"keeper@127.0.0.1:{port}")
        assert call(service.capture, "r1").status == "changed"
        call(devices.update, "r1", jump=f"stranger@127.0.0.1:{port}")
        with pytest.raises(LoginFailed):
            call(service.capture, "r1")
    assert one.logins == 1


def house(sqlite_url: str, data_dir: Path, settings: Backups) -> rookery.Rook:
    return rookery.open(config=Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=settings))


@pytest.mark.parametrize("settings", [Backups(per_site=1), Backups(concurrency=1)])
def test_no_more_are_talked_to_at_once_than_is_configured(
    sqlite_url: str, data_dir: Path, settings: Backups
) -> None:
    simulated = [device(f"r{number}", answer_delay=0.02) for number in range(1, 5)]
    asked = heard_by_all(simulated)
    with fleet(simulated), house(sqlite_url, data_dir, settings) as rook:
        rook.credentials.create("lab", "admin", password=PASSWORD)
        for number, each in enumerate(simulated, 1):
            rook.devices.create(f"r{number}", "127.0.0.1", "ios", port=each.port, site="berlin")
        assert rook.backups.run().count("changed") == 4
    assert [said for said in asked if said != "exit"] == ASKED * 4  # one device after the other


def test_sites_do_not_wait_for_each_other(sqlite_url: str, data_dir: Path) -> None:
    simulated = [device(f"r{number}", answer_delay=0.2) for number in range(1, 5)]
    asked = heard_by_all(simulated)
    with fleet(simulated), house(sqlite_url, data_dir, Backups(per_site=1)) as rook:
        rook.credentials.create("lab", "admin", password=PASSWORD)
        for number, each in enumerate(simulated, 1):
            rook.devices.create(f"r{number}", "127.0.0.1", "ios", port=each.port, site=f"site {number}")
        assert rook.backups.run().count("changed") == 4
    assert [said for said in asked if said != "exit"] != ASKED * 4


def heard_by_all(simulated: list[SimulatedDevice]) -> list[str]:
    """One list of what is said to any of them."""
    heard: list[str] = []
    for each in simulated:
        each.heard = heard
    return heard
