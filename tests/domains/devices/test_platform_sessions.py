"""Every shipped platform that has not been recorded holds a session with a simulated device of its kind."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
import yaml

from rookery.demo.fleet import Behaviour, Fleet, SimulatedDevice, load_script
from rookery.domains.backups import rules
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience, Session
from rookery.mechanisms.transport.terminal.ssh import SshTarget, open_ssh

T = TypeVar("T")
SESSIONS = Path(__file__).parent / "sessions"
NAMES = sorted(path.stem for path in SESSIONS.glob("*.yaml"))
LIBRARY = Library()
SHIPPED = LIBRARY.names()
RECORDED = {
    "aosw",
    "asa",
    "comware",
    "eos",
    "fortios",
    "ios",
    "junos",
    "nxos",
    "opnsense",
    "routeros",
    "vyos",
}
REAL = {"frr"}
"""Tested with the real thing, in tests/domains/backups/test_real_device.py."""
LOGIN = Login("admin", "admin", enable="enable-secret")
SHORT = Patience(connect=10, login=10, command=5, total=20)
YIELD = 1e-6
"""Seconds between pieces: enough that each is heard on its own."""
TERMINAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Held(NamedTuple):
    """What came of a session."""

    facts: dict[str, str]
    answers: list[str]
    prompt: str


def run(scenario: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(scenario)


async def hold(name: str, pieces: int) -> Held:
    """Log in, ask for facts and configuration, and hang up."""
    platform = LIBRARY.get(name)
    manner = Behaviour(pieces=pieces, piece_delay=YIELD)
    device = SimulatedDevice(load_script(SESSIONS / f"{name}.yaml"), manner)
    async with Fleet([device]):
        target = SshTarget(host="127.0.0.1", port=device.port, login=LOGIN)
        has_shell = platform.dialect.channel == "shell"
        channel = await open_ssh(target, KnownHosts(), SHORT.connect, with_shell=has_shell)
        session = Session(channel, platform.dialect, LOGIN, SHORT)
        try:
            await session.open()
            return await asked(session, platform)
        finally:
            await session.close()


async def asked(session: Session, platform: Platform) -> Held:
    facts: dict[str, str] = {}
    for each in platform.facts:
        facts |= rules.facts_of(each, await session.ask(each.command))
    answers = [await session.ask(command) for command in platform.configuration.commands]
    return Held(facts, answers, session.prompt.strip())


def expected(name: str) -> dict[str, str]:
    document = yaml.safe_load((SESSIONS / f"{name}.yaml").read_text(encoding="utf-8"))
    return dict(document["expected"])


def leftovers(platform: Platform, lines: list[str], prompt: str) -> list[str]:
    """Lines that are of the conversation: its echo, prompts, pagers and escapes."""
    commands = platform.configuration.commands
    exchanges = [found for found, _, _ in platform.dialect.exchanges]
    return [
        line
        for line in lines
        if line.strip() in commands
        or line.startswith(prompt)
        or TERMINAL.search(line)
        or any(each.search(line) for each in exchanges)
    ]


@pytest.mark.parametrize("pieces", [1, 100])
@pytest.mark.parametrize("name", NAMES)
def test_a_session_brings_the_whole_configuration_and_nothing_else(name: str, pieces: int) -> None:
    platform, wanted = LIBRARY.get(name), expected(name)
    held = run(hold(name, pieces))
    text = rules.assembled(platform, held.answers)
    rules.check(platform, text, lines_before=None)
    lines = text.decode().rstrip("\n").split("\n")
    assert (lines[0].strip(), lines[-1].strip()) == (wanted.pop("first"), wanted.pop("last"))
    assert leftovers(platform, lines, held.prompt or "$") == []
    assert held.facts == wanted
    assert b"SECRET" in text
    masked = rules.masked(platform, text, None).text.decode().split("\n")
    assert [line for line in masked if "SECRET" in line] == []
    noise = rules.is_noise(platform)
    assert noise is None or any(noise(line) for line in lines)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_platform_that_is_shipped_is_valid(name: str) -> None:
    platform = LIBRARY.get(name)
    assert platform.title
    assert platform.name == name
    assert platform.is_experimental == (name not in RECORDED | REAL)


def test_no_two_platforms_have_a_name_in_common() -> None:
    called = Counter(called for each in LIBRARY.all() for called in (each.name, *each.aliases))
    assert [name for name, times in called.items() if times > 1] == []


def test_names_are_written_as_they_are_looked_up() -> None:
    """A platform is found under its lower-case name."""
    assert [alias for each in LIBRARY.all() for alias in each.aliases if alias != alias.lower()] == []


def test_every_platform_has_been_recorded_or_has_a_session() -> None:
    assert set(NAMES) == set(SHIPPED) - RECORDED


def test_there_are_platforms_for_most_networks() -> None:
    assert len(SHIPPED) >= 73
