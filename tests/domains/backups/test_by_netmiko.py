"""Backups by netmiko go the way of all others: versions, masks, events, host keys, errors."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from rookery import app
from rookery.base.config import Backups, Config, Database
from rookery.demo.fleet import Behaviour, SimulatedDevice
from rookery.demo.fleet.telnet import TelnetDevice
from rookery.domains.backups import reading, service
from rookery.domains.backups.preparing import Stranger
from rookery.domains.backups.probing import service as probing
from rookery.domains.credentials import service as credentials
from rookery.domains.devices import service as devices
from rookery.domains.devices import store as inventory
from rookery.domains.devices.errors import PlatformNotValid
from rookery.domains.devices.library import Library
from rookery.mechanisms.transport.terminal.by_netmiko import THREADS, NetmikoSession, NetmikoTarget
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.dialect import Dialect
from rookery.mechanisms.transport.terminal.dialling import dial
from rookery.mechanisms.transport.terminal.errors import (
    CommandRejected,
    DeviceRefused,
    DeviceUnavailable,
    DriverMissing,
    DriverUnfit,
    HostKeyChanged,
    HostKeyUnknown,
    LoginFailed,
)
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience
from tests.beside import beside
from tests.conftest import Call
from tests.domains.backups.conftest import PASSWORD, configuration, fleet, ios
from tests.patience import PATIENCE, wait_for

REFUSAL = "% Invalid input detected at '^' marker."
PLATFORM = 'title = "Lab"\nlike = "ios"\ndriver = "netmiko"\ndevice_type = "cisco_ios"\n'


@pytest.fixture(autouse=True)
def _platform(data_dir: Path) -> None:
    Library(data_dir).add("lab", PLATFORM)


@pytest.fixture
def patient(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    """A Rook that waits four seconds for an answer."""
    patience = Backups(command_timeout=4, total_timeout=4)
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=patience)
    with app.open(config=config, actor="tester") as rook:
        credentials.create(rook, "lab", "admin", password=PASSWORD)
        yield rook


def simulated(text: str | None = None, **how: object) -> SimulatedDevice:
    """One that says something to whatever netmiko asks."""
    manner = Behaviour(password=PASSWORD, refusal=REFUSAL, **how)  # type: ignore[arg-type]
    return SimulatedDevice(ios(text=text), manner)


def test_a_device_is_backed_up_by_netmiko_and_a_change_is_a_version(call: Call) -> None:
    call(credentials.create, "lab", "admin", password=PASSWORD)
    with fleet([one := simulated()]):
        call(devices.create, "r1", "127.0.0.1", "lab", port=one.port)
        first = call(service.capture, "r1")
        assert (first.status, first.version, first.added) == ("changed", 1, 12)
        assert call(service.capture, "r1").status == "unchanged"
        one.script = ios(text=configuration(more="ntp server 10.0.0.9\n"))
        assert call(service.capture, "r1").version == 2
    shown = call(reading.text, "r1")
    assert "enable secret 9 <secret " in shown
    assert shown.splitlines()[-1] == "end"
    info = call(inventory.get, "r1")
    assert (info.model, info.serial, info.version) == ("C9200L", "JAE1", "17.9.4a")


def test_what_came_is_what_our_own_driver_would_have_brought(patient: app.Rook) -> None:
    with fleet([one := simulated()]):
        by_netmiko, own = (
            service.peek(patient, "127.0.0.1", platform, "admin", PASSWORD, port=one.port)
            for platform in ("lab", "ios")
        )
    assert by_netmiko == own


def test_many_are_collected_in_threads_that_are_not_too_many(patient: app.Rook) -> None:
    many = [simulated() for _ in range(8)]
    with fleet(many):
        for number, each in enumerate(many):
            devices.create(patient, f"r{number}", "127.0.0.1", "lab", port=each.port)
        assert service.run(patient).count("changed") == len(many)
    assert len([each for each in threading.enumerate() if each.name.startswith("netmiko")]) <= THREADS == 50


def test_a_password_that_is_refused_is_given_once(patient: app.Rook) -> None:
    with fleet([one := SimulatedDevice(ios(), Behaviour(password="another", refusal=REFUSAL))]):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port)
        with pytest.raises(LoginFailed, match="takes none of lab"):
            service.capture(patient, "r1")
    assert one.refused == 1


def test_a_host_key_is_trusted_at_first_and_another_one_refused_before_the_password(
    patient: app.Rook,
) -> None:
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port)
        service.capture(patient, "r1")
    assert len(inventory.host_keys(patient, "127.0.0.1", one.port)) == 1
    other = SimulatedDevice(one.script, one.behaviour, port=one.port)
    with fleet([other]), pytest.raises(HostKeyChanged):
        service.capture(patient, "r1")
    assert (other.logins, other.refused) == (0, 0)


def test_a_strict_device_needs_a_key_that_is_known(patient: app.Rook) -> None:
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port, trust="strict")
        with pytest.raises(HostKeyUnknown):
            service.capture(patient, "r1")
    assert one.logins == 0


def test_a_host_that_our_own_driver_has_met_is_known(patient: app.Rook) -> None:
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "ios", port=one.port)
        service.capture(patient, "r1")
        devices.update(patient, "r1", platform="lab")
        assert service.capture(patient, "r1").status == "unchanged"
        assert len(inventory.host_keys(patient, "127.0.0.1", one.port)) == 1


@pytest.mark.parametrize("manner", ["closes_after", "hangs_after"])
def test_a_device_that_falls_silent_is_no_backup(patient: app.Rook, manner: str) -> None:
    with fleet([one := simulated(**{manner: "show running-config"})]):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port)
        with pytest.raises(DeviceUnavailable):
            service.capture(patient, "r1")


def test_a_device_that_is_not_there_is_no_backup(patient: app.Rook, free_port: int) -> None:
    devices.create(patient, "r1", "127.0.0.1", "lab", port=free_port)
    with pytest.raises(DeviceRefused):
        service.capture(patient, "r1")


def test_a_command_that_is_refused_is_no_configuration(patient: app.Rook, data_dir: Path) -> None:
    Library(data_dir).add("odd", f'{PLATFORM}[configuration]\ncommands = ["show all"]\n')
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "odd", port=one.port)
        with pytest.raises(CommandRejected, match="show all"):
            service.capture(patient, "r1")


def test_it_goes_over_telnet_too(patient: app.Rook) -> None:
    one = simulated()
    with beside(TelnetDevice(one)):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port, transport="telnet")
        assert service.capture(patient, "r1").status == "changed"


def test_what_netmiko_cannot_do_is_said(patient: app.Rook, data_dir: Path) -> None:
    devices.create(patient, "behind", "127.0.0.1", "lab", jump="user@127.0.0.1")
    with pytest.raises(DriverUnfit, match="no jump host"):
        service.capture(patient, "behind")
    Library(data_dir).add("odd", PLATFORM.replace("cisco_ios", "cisco_nonsense"))
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "odd", port=one.port)
        with pytest.raises(DriverUnfit, match="knows no device type 'cisco_nonsense'"):
            service.capture(patient, "r1")


def test_without_netmiko_it_is_said_how_to_get_it(patient: app.Rook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netmiko", None)
    with fleet([one := simulated()]):
        devices.create(patient, "r1", "127.0.0.1", "lab", port=one.port)
        with pytest.raises(DriverMissing, match=r"pip install 'rookery\[netmiko\]'"):
            service.capture(patient, "r1")


def test_a_platform_that_wants_netmiko_can_be_on_trial(patient: app.Rook) -> None:
    with fleet([one := simulated()]):
        trial = probing.try_platform(patient, "lab", Stranger("127.0.0.1", "admin", PASSWORD, one.port))
    assert trial.is_right
    assert trial.steps[-1].detail == "1 masked"


@pytest.mark.parametrize("text", ['driver = "netmiko"\n', 'device_type = "cisco_ios"\n'])
def test_driver_and_device_type_go_together(data_dir: Path, text: str) -> None:
    with pytest.raises(PlatformNotValid, match="go together"):
        Library(data_dir).add("half", f'title = "Half"\n{text}')


def test_who_is_not_waited_for_any_more_is_hung_up_on() -> None:
    one = simulated(hangs_after="show running-config")

    async def collect() -> None:
        target = NetmikoTarget(
            device_type="cisco_ios", host="127.0.0.1", port=one.port, login=Login("admin", PASSWORD)
        )
        line = await dial("127.0.0.1", one.port, 4)
        session = NetmikoSession(target, Dialect(), KnownHosts(), Patience(), line)
        await session.open()
        asking = asyncio.create_task(session.ask("show running-config"))
        await asyncio.to_thread(wait_for, lambda: "show running-config" in one.heard)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await session.close()

    with fleet([one]), asyncio.Runner() as runner:
        runner.run(asyncio.wait_for(collect(), PATIENCE))
    assert not [
        each for each in threading.enumerate() if isinstance(each, paramiko.Transport) and each.active
    ]
