"""Simulated IOS devices: `python -m benchmarks.sides.devices.fleet COUNT LINES LATENCY`; prints their ports.

LATENCY, in seconds, is that of reference devices: 2.3 is 0.3 before the login, 1.5 before the configuration,
which then comes in 20 pieces, 20 ms apart.
"""

from __future__ import annotations

import asyncio
import re
import sys
from functools import cache
from pathlib import Path

from rookery.demo.fleet import Behaviour, Fleet, Script, SimulatedDevice

WHOLE = 2.3
SHOW = "show running-config"
UNKNOWN = "          ^\n% Invalid input detected at '^' marker.\n"
RANCID_TYPES = Path("/etc/rancid/rancid.types.base")


def configuration(name: str, lines: int) -> str:
    """A configuration of so many lines, with two secrets in it."""
    head = [
        "Building configuration...", "", "Current configuration : 62000 bytes", "!", "version 17.9",
        f"hostname {name}", "enable secret 9 $9$abcdef", "snmp-server community s3cr3t RO",
    ]  # fmt: skip
    body = (line for port in range(lines) for line in _interface(port))
    return "\n".join([*head, *(next(body) for _ in range(lines - len(head) - 1)), "end"])


def _interface(port: int) -> list[str]:
    return [
        f"interface GigabitEthernet{port // 48}/{port % 48}",
        f" description link to host-{port}",
        f" ip address 10.{port // 250 % 250}.{port % 250}.1 255.255.255.0",
        " no shutdown",
        "!",
    ]


@cache
def asked_by_rancid() -> list[str]:
    """All that RANCID, if it is installed, asks a Cisco device."""
    types = RANCID_TYPES.read_text() if RANCID_TYPES.exists() else ""
    return re.findall(r"^cisco;command;[^;]+;([^;\n]+)", types, re.MULTILINE)


def script(number: int, lines: int) -> Script:
    """What one of them says."""
    name = f"r{number}"
    answers = dict.fromkeys(asked_by_rancid(), UNKNOWN) | {
        "terminal length 0": "",
        "terminal width 0": "",
        "terminal width 132": "",
        "terminal width 511": "",
        "show version": f"Cisco IOS Software, Version 15.2\n{name} uptime is 1 week\nProcessor board ID F1",
        SHOW: configuration(name, lines),
    }
    prompt = f"\n{name}#"
    exchanges = tuple((f"{asked}\n", f"{asked}\n{said}{prompt}") for asked, said in answers.items())
    return Script(f"Welcome{prompt}", (*exchanges, ("exit\n", "exit\n"), ("\n", prompt)))


def behaviour(latency: float) -> Behaviour:
    """How slow they are."""
    share = latency / WHOLE
    slow = {"slow_command": SHOW, "pieces": 20, "smallest_piece": 512, "piece_delay": 0.02 * share}
    return Behaviour(login_delay=0.3 * share, answer_delay=1.5 * share, **(slow if latency else {}))  # type: ignore[arg-type]


async def main() -> None:
    """Serve until killed."""
    count, lines, latency = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    devices = [SimulatedDevice(script(number, lines), behaviour(latency)) for number in range(count)]
    async with Fleet(devices):
        print(*(device.port for device in devices), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        runner.run(main())
