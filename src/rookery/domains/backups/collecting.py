"""Collecting: log in with the first credential that is taken, ask, and hang up. Nothing but I/O."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple

from rookery.domains.backups import rules
from rookery.domains.backups.guard import CredentialPaused, Guard
from rookery.domains.credentials.errors import NoCredential
from rookery.domains.credentials.rules import Secret
from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.transport.terminal.by_netmiko import NetmikoSession, NetmikoTarget
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.dialling import dial
from rookery.mechanisms.transport.terminal.errors import CommandRejected, DriverUnfit, LoginFailed
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import AnySession, Channel, Patience, Session
from rookery.mechanisms.transport.terminal.telnet import open_telnet

if TYPE_CHECKING:
    from rookery.mechanisms.transport.terminal.ssh import SshTarget


class Candidate(NamedTuple):
    """A login that may be tried."""

    id: str
    name: str
    username: str
    secret: Secret


class Job(NamedTuple):
    """All that is needed to collect a configuration; credentials in their order, without those `paused`."""

    device: DeviceInfo
    platform: Platform
    credentials: Sequence[Candidate]
    paused: Sequence[str]
    known: KnownHosts
    patience: Patience
    attempts: int


class Collected(NamedTuple):
    """What a device sent, and what it said of itself."""

    text: bytes
    facts: dict[str, str]


Begin = Callable[[Any], Awaitable[None]]
"""How far a session is brought before it is used; of which class it is, its platform says."""


class Uses:
    """What devices said to credentials: for each id whether it was taken, in order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, bool]] = []


async def collect(job: Job, guard: Guard, uses: Uses) -> Collected:
    """The configuration of a device. Raises NoCredential, LoginFailed, and the device's other errors."""
    session = await logged_in(job, guard, uses)
    try:
        facts = await _facts(session, job.platform)
        answers = [await session.ask(command) for command in job.platform.configuration.commands]
    finally:
        await session.close()
    return Collected(rules.assembled(job.platform, answers), facts)


async def reach(job: Job, guard: Guard, uses: Uses) -> str:
    """Log in and hang up; the prompt that was shown. Raises what `collect` raises."""
    session = await logged_in(job, guard, uses)
    await session.close()
    return session.prompt.strip()


async def _facts(session: AnySession, platform: Platform) -> dict[str, str]:
    """A device that does not know the command has a configuration all the same."""
    found: dict[str, str] = {}
    for facts in platform.facts:
        try:
            found |= rules.facts_of(facts, await session.ask(facts.command))
        except CommandRejected:
            continue
    return found


async def logged_in(job: Job, guard: Guard, uses: Uses, begin: Begin = methodcaller("open")) -> AnySession:
    """A session with the first credential that is taken, which `uses` tells. Raises what `collect` raises."""
    refused: list[str] = []
    paused = list(job.paused)
    for each in job.credentials:
        if len(refused) >= job.attempts:
            break
        try:
            session = await _in_turn(job, each, guard, begin)
        except CredentialPaused:
            paused.append(each.name)
        except LoginFailed:
            uses.all.append((each.id, False))
            refused.append(each.name)
        else:
            uses.all.append((each.id, True))
            return session
    raise _nobody(job, refused, paused)


async def _in_turn(job: Job, candidate: Candidate, guard: Guard, begin: Begin) -> AnySession:
    """Dial before waiting for the turn: a device that is not there is no reason for others to wait."""
    line = await _dialled(job)
    try:
        async with guard.trying(candidate.id):
            return await _open(job, candidate, line, begin)
    except BaseException:
        if line is not None:
            line.close()
        raise


def _nobody(job: Job, refused: list[str], paused: list[str]) -> Exception:
    tags = " ".join(job.device.tags)
    if refused:
        return LoginFailed(f"It takes none of {', '.join(refused)}. {LoginFailed.__doc__}")
    if paused:
        return NoCredential(
            f"Too many devices refuse {', '.join(paused)}: check it before an account is locked."
        )
    return NoCredential(f"Its tags are {tags}. {NoCredential.__doc__}")


async def _dialled(job: Job) -> socket.socket | None:
    """None where somebody else is to reach it: a jump host, or netmiko over Telnet."""
    device = job.device
    if device.jump or (job.platform.driver == "netmiko" and device.transport == "telnet"):
        return None
    return await dial(device.address, device.port, job.patience.connect)


async def _open(job: Job, candidate: Candidate, line: socket.socket | None, begin: Begin) -> AnySession:
    session = await _session(job, candidate, line)
    try:
        await begin(session)
    except BaseException:
        await session.close()
        raise
    return session


async def _session(job: Job, candidate: Candidate, line: socket.socket | None) -> AnySession:
    secret = candidate.secret
    login = Login(candidate.username, secret.password, secret.enable)
    if job.platform.driver == "netmiko":
        return _by_netmiko(job, login, secret.private_key, line)
    channel = await _channel(job, login, secret.private_key, line)
    return Session(channel, job.platform.dialect, login, job.patience)


def _by_netmiko(job: Job, login: Login, private_key: str, line: socket.socket | None) -> AnySession:
    device, kind = job.device, job.platform.device_type
    if device.jump:
        raise DriverUnfit(f"{device.name}: netmiko goes through no jump host. {DriverUnfit.__doc__}")
    if device.transport == "telnet" and not kind.endswith("_telnet"):
        kind = f"{kind}_telnet"
    target = NetmikoTarget(
        device_type=kind, host=device.address, port=device.port, login=login,
        private_key=private_key or None, allows_legacy=device.allows_legacy, trust=device.trust,
    )  # fmt: skip
    return NetmikoSession(target, job.platform.dialect, job.known, job.patience, line)


async def _channel(job: Job, login: Login, private_key: str, line: socket.socket | None) -> Channel:
    from rookery.mechanisms.transport.terminal.ssh import SshTarget, open_ssh  # by then a run has loaded it

    device, seconds = job.device, job.patience.connect
    if device.transport == "telnet":
        return await open_telnet(device.address, device.port, seconds, line)
    target = SshTarget(
        host=device.address, port=device.port, login=login, private_key=private_key or None,
        allows_legacy=device.allows_legacy, trust=device.trust, jump=_jump(device, login, private_key),
    )  # fmt: skip
    has_shell = job.platform.dialect.channel == "shell"
    return await open_ssh(target, job.known, seconds, with_shell=has_shell, line=line)


def _jump(device: DeviceInfo, login: Login, private_key: str) -> SshTarget | None:
    """The host between, which is given the same password or key, under its own user name."""
    from rookery.mechanisms.transport.terminal.ssh import SshTarget

    if not device.jump:
        return None
    user, _, place = device.jump.partition("@")
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return SshTarget(
        host=host, port=int(port) if port else 22, login=login._replace(username=user),
        private_key=private_key or None, trust=device.trust,
    )  # fmt: skip
