"""Sessions of real devices, as Oxidized's tests recorded them, through everything up to a version."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from rookery.demo.fleet import Behaviour, Fleet, Script, SimulatedDevice, load_script
from rookery.domains.backups import rules
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience, Session
from rookery.mechanisms.transport.terminal.ssh import SshTarget, open_ssh

FOLDER = Path(__file__).parents[2] / "recorded-sessions"
RECORDED = sorted(FOLDER.glob("*simulation.yaml"))
PROMPTS = sorted(FOLDER.glob("*prompt.yaml"))
SECRETS = sorted(FOLDER.glob("*secret.yaml"))
EXPECTED_FACTS = {
    "aosw": {"model": "Aruba7210", "version": "8.10.0.7", "serial": "CV0010001"},
    "asa": {"model": "ASA5512", "version": "9.12(4)67"},
    "eos": {"model": "DCS-7050SX3-48YC8", "serial": "SSJ00000000"},
    "fortigate": {"model": "FortiGate-91G", "serial": "FGT91GTK00000000", "hostname": "TEST-FW1234"},
    "h3c": {"version": "7.1.070"},
    "ios": {"model": "C9200L-24P-4G", "serial": "JAE24FFFFFF"},
    "junos": {"model": "srx300", "version": "22.4R3-S2.11", "serial": "AA0000AA0000"},
    "nxos": {"version": "7.3(13)N1(1)", "model": "Nexus"},
    "opnsense": {"version": "24.7"},
    "routeros": {"version": "7.16"},
    "vyos": {"version": "1.4.3", "model": "S373857X4512086"},
}


def platform_of(path: Path) -> Platform:
    return Library().get(path.name.partition("#")[0])


async def collected(script: Script, platform: Platform, pieces: int) -> tuple[list[str], dict[str, str]]:
    """What the platform's commands bring, as far as they were recorded."""
    async with Fleet([SimulatedDevice(script, Behaviour(pieces=pieces))]) as fleet:
        login = Login("admin", "admin")
        target = SshTarget(host="127.0.0.1", port=fleet.devices[0].port, login=login)
        channel = await open_ssh(target, KnownHosts(), 10, with_shell=platform.dialect.channel == "shell")
        session = Session(channel, platform.dialect, login, Patience(command=10))
        try:
            await session.open()
            facts: dict[str, str] = {}
            for each in platform.facts:
                if script.answer(f"{each.command}\n", 0):
                    facts |= rules.facts_of(each, await session.ask(each.command))
            return [await session.ask(command) for command in platform.configuration.commands], facts
        finally:
            await session.close()


def backup_of(path: Path, pieces: int = 1) -> tuple[bytes, dict[str, str]]:
    platform = platform_of(path)
    with asyncio.Runner() as runner:
        answers, facts = runner.run(collected(load_script(path), platform, pieces))
    text = rules.assembled(platform, answers)
    rules.check(platform, text, None)
    return text, facts


def expected(path: Path, platform: Platform) -> list[str]:
    """The configuration among what Oxidized makes of a session: its comments come from other commands."""
    output = path.with_name(path.name.replace("simulation.yaml", "output.txt")).read_text()
    lines = [line.rstrip() for line in output.splitlines()]
    own = [line for line in lines if line and not line.startswith(platform.comment)]
    return [line for line in own if "<value removed>" not in line and "<!-- OPNsense" not in line]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition("#")[0])
@pytest.mark.parametrize("pieces", [1, 150])
def test_every_line_of_a_configuration_arrives_in_order_and_nothing_else(path: Path, pieces: int) -> None:
    text, facts = backup_of(path, pieces)
    platform = platform_of(path)
    lines = [line.rstrip() for line in text.decode().splitlines()]
    position = -1
    for line in expected(path, platform):
        position = lines.index(line, position + 1)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]|--More--|---- More", text.decode())
    assert (
        not any(platform.dialect.prompts.fullmatch(line) for line in lines[-1:])
        or platform.dialect.channel == "exec"
    )
    for name, value in EXPECTED_FACTS[path.name.partition("#")[0]].items():
        assert facts[name].startswith(value)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition("#")[0])
def test_two_runs_give_one_version(path: Path) -> None:
    platform = platform_of(path)
    first, second = (rules.masked(platform, backup_of(path, pieces)[0], str.upper) for pieces in (1, 40))
    assert first.digest == second.digest


@pytest.mark.parametrize("path", SECRETS, ids=lambda path: path.name.partition("#")[0])
def test_secrets_vanish(path: Path) -> None:
    session = next(each for each in RECORDED if each.name.partition("#")[0] == path.name.partition("#")[0])
    masked = rules.masked(platform_of(path), backup_of(session)[0], None).text.decode()
    for secret in yaml.safe_load(path.read_text())["fail"]:
        assert secret not in masked


def prompts(path: Path) -> dict[str, list[str]]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return {"pass": document.get("pass") or [], "fail": document.get("fail") or []}


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.name.partition("#")[0])
def test_prompts_are_recognised_and_what_is_none_is_not(path: Path) -> None:
    pattern = platform_of(path).dialect.prompts
    for text in prompts(path)["pass"]:
        assert pattern.fullmatch(text.lstrip("\r")), text
    for text in prompts(path)["fail"]:
        assert not pattern.fullmatch(text), text


def test_time_and_salt_of_a_fortigate_make_no_version() -> None:
    path = next(each for each in RECORDED if each.name.startswith("fortigate"))
    text, _ = backup_of(path)
    platform = platform_of(path)
    other = re.sub(rb"(set \S+ ENC )\S+", rb"\1saltedanew", text)
    assert rules.masked(platform, text, None).digest == rules.masked(platform, other, None).digest


def test_the_time_of_a_routeros_export_makes_no_version() -> None:
    path = next(each for each in RECORDED if each.name.startswith("routeros"))
    text, _ = backup_of(path)
    other = text.replace(b"11:07:28", b"12:00:00")
    assert text != other
    platform = platform_of(path)
    assert rules.masked(platform, text, None).digest == rules.masked(platform, other, None).digest


def test_every_shipped_platform_is_right_and_called_by_one_name() -> None:
    platforms = list(Library().all())
    names = [name for each in platforms for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))
    assert all(msgspec.to_builtins(each) for each in platforms)
