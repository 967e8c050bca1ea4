"""The devices of `rookery demo`: three that are backed up, and somebody who changes one of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rookery.demo.fleet import Fleet, Script, SimulatedDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rookery.app import Rook
    from rookery.domains.backups.reading import Compared

NAMES = ("access1", "core1", "edge1")
LOGIN = "demo devices"
ADDRESS = "127.0.0.1"

_CONFIGURATION = """\
!
! Last configuration change at {time} UTC Fri Nov 27 2026 by {who}
version 17.9
service password-encryption
!
hostname {name}
!
enable secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM
!
interface GigabitEthernet0/0
 description uplink
 ip address 192.0.2.{host} 255.255.255.0
 no shutdown
!
router bgp 64500
 neighbor 192.0.2.254 remote-as 64501
 neighbor 192.0.2.254 password 7 {secret}
 address-family ipv4
  network 198.51.100.0 mask 255.255.255.0
 exit-address-family
!
{more}line vty 0 4
 transport input {transport}
!
end"""


def _script(name: str, host: int, *, is_changed: bool = False) -> Script:
    prompt = f"\n{name}#"
    text = _CONFIGURATION.format(
        name=name, host=host, time="14:07:33" if is_changed else "08:12:01",
        who="somebody" if is_changed else "ann", secret="0822455D0A16" if is_changed else "070C285F4D06",
        more="ip http server\n!\n" if is_changed else "", transport="telnet ssh" if is_changed else "ssh",
    )  # fmt: skip
    version = (
        f"Cisco IOS XE Software, Version 17.9.4a\n{name} uptime is 3 weeks\nModel number : C9200L-24P-4G"
    )
    answers = {"terminal length 0": "", "terminal width 0": "", "show version": version}
    exchanges = {**answers, "show running-config": text}
    spoken = tuple((f"{asked}\n", f"{asked}\n{said}{prompt}") for asked, said in exchanges.items())
    return Script(f"Welcome{prompt}", (*spoken, ("exit\n", "exit\n")))


@contextmanager
def devices(rook: Rook) -> Iterator[list[SimulatedDevice]]:
    """Three devices on loopback, which the inventory knows while they run, and a login that they take."""
    fleet = Fleet([SimulatedDevice(_script(name, number)) for number, name in enumerate(NAMES, 1)])
    rook.wait_for(fleet.__aenter__)
    try:
        _describe(rook, fleet)
        yield fleet.devices
    finally:
        rook.wait_for(fleet.__aexit__, None, None, None)


def _describe(rook: Rook, fleet: Fleet) -> None:
    """As often as the demo is run: ports and host keys are others each time."""
    rook.devices.forget_host_keys(ADDRESS)
    if LOGIN not in {each.name for each in rook.credentials.list()}:
        rook.credentials.create(LOGIN, "admin", password="admin", tags=("demo",))  # noqa: S106  of the demo
    known = {each.name for each in rook.devices.list("tag:demo")}
    for name, device in zip(NAMES, fleet.devices, strict=True):
        if name in known:
            rook.devices.update(name, port=device.port)
        else:
            rook.devices.create(name, ADDRESS, "ios", port=device.port, tags=("demo",))


def change_one(rook: Rook, simulated: list[SimulatedDevice]) -> Compared:
    """Back all of them up, have somebody change the last, and back them up again: what has changed."""
    rook.backups.run("tag:demo")
    simulated[-1].script = _script(NAMES[-1], len(NAMES), is_changed=True)
    rook.backups.run("tag:demo")
    return rook.backups.compare(NAMES[-1])
