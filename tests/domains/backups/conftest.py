"""A fleet of simulated devices, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rookery.demo.fleet import Behaviour, Fleet, Script, SimulatedDevice
from tests.beside import beside

CONFIGURATION = """\
Building configuration...

Current configuration : 1234 bytes
!
! Last configuration change at 09:37:40 CEST Tue Aug 20 2024 by ann
version 17.9
hostname {name}
enable secret 9 {secret}
!
interface GigabitEthernet0/0
 description to the core
 ip address 10.0.0.1 255.255.255.0
 no shutdown
!
{more}end
"""


ABC = "$9$abc"
PASSWORD = "harbour light 7"
"""Of all simulated devices: no word that stands anywhere else, for it is masked in whatever follows."""


ASKED = ["terminal length 0", "terminal width 0", "show version", "show running-config"]
"""By a backup."""


def configuration(name: str = "r1", *, secret: str = ABC, more: str = "") -> str:
    """What an IOS device prints."""
    return CONFIGURATION.format(name=name, secret=secret, more=more)


def ios(name: str = "r1", text: str | None = None) -> Script:
    """A device that knows what a backup asks for."""
    shown = configuration(name) if text is None else text
    prompt = f"\n{name}#"
    answers = {
        "terminal length 0": "",
        "terminal width 0": "",
        "show version": (
            f"Cisco IOS Software, Version 17.9.4a\n{name} uptime is 1 week\nModel number : C9200L\n"
            "System serial number : JAE1"
        ),
        "show running-config": shown.rstrip("\n"),
    }
    exchanges = tuple((f"{asked}\n", f"{asked}\n{said}{prompt}") for asked, said in answers.items())
    return Script(f"Welcome{prompt}", (*exchanges, ("exit\n", "exit\n")))


def device(name: str = "r1", *, text: str | None = None, **how: object) -> SimulatedDevice:
    """A simulated device; `how` it behaves as Behaviour says."""
    return SimulatedDevice(ios(name, text), Behaviour(password=PASSWORD, **how))  # type: ignore[arg-type]


@contextmanager
def fleet(devices: Sequence[SimulatedDevice]) -> Iterator[None]:
    """These devices, on ports of their own, until the end."""
    with beside(Fleet(devices)):
        yield
