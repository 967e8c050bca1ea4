"""Logging in by SSH on simulated devices: host keys, refusals, silence, jump hosts, old algorithms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import asyncssh
import msgspec
import pytest
from asyncssh.constants import MSG_IGNORE

from rookery.demo.fleet import Behaviour, Fleet, Script, SimulatedDevice
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.dialect import Dialect
from rookery.mechanisms.transport.terminal.errors import (
    CommandRejected,
    DeviceHungUp,
    DeviceRefused,
    DeviceTimedOut,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    LoginFailed,
    NoCommonAlgorithm,
    PromptNotRecognised,
)
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts
from rookery.mechanisms.transport.terminal.session import Patience, Session
from rookery.mechanisms.transport.terminal.ssh import SshTarget, open_ssh

T = TypeVar("T")
DIALECT = Dialect(prompt=r"[\w.-]+[>#]", errors=("^% Invalid",))
SHOW = "show run"
SCRIPT = Script(
    "Welcome\nr1#",
    (
        ("show run\n", "show run\nhostname r1\n" + "interface x\n" * 500 + "end\nr1#"),
        ("show nothing\n", "show nothing\n     ^\n% Invalid input detected at '^' marker.\n\nr1#"),
        ("exit\n", "exit\n"),
    ),
)
LOGIN = Login("admin", "admin")
SHORT = Patience(connect=5, login=2, command=1, total=5)


def run(scenario: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(scenario)


def target(device: SimulatedDevice, **how: Any) -> SshTarget:
    return SshTarget(**{"host": "127.0.0.1", "port": device.port, "login": LOGIN, **how})


async def asked(
    where: SshTarget, command: str = SHOW, *, keys: KnownHosts | None = None, dialect: Dialect = DIALECT
) -> str:
    channel = await open_ssh(where, keys or KnownHosts(), SHORT.connect)
    session = Session(channel, dialect, where.login, SHORT)
    try:
        await session.open()
        return await session.ask(command)
    finally:
        await session.close()


async def of(device: SimulatedDevice, command: str = SHOW, **how: Any) -> str:
    keys, dialect = how.pop("keys", None), how.pop("dialect", DIALECT)
    async with Fleet([device]):
        return await asked(target(device, **how), command, keys=keys, dialect=dialect)


@pytest.mark.parametrize("pieces", [1, 7, 300])
def test_an_answer_comes_whole(pieces: int) -> None:
    said = run(of(SimulatedDevice(SCRIPT, Behaviour(pieces=pieces))))
    assert said.split("\n") == ["hostname r1", *["interface x"] * 500, "end"]


def test_a_wrong_password_is_tried_once() -> None:
    device = SimulatedDevice(SCRIPT)
    with pytest.raises(LoginFailed, match="does not let 'admin' in"):
        run(of(device, login=Login("admin", "wrong")))
    assert device.refused == 1


def test_a_command_that_is_not_known_is_a_refusal_that_says_how() -> None:
    with pytest.raises(CommandRejected, match="'show nothing': % Invalid input detected"):
        run(of(SimulatedDevice(SCRIPT), "show nothing"))


def test_the_first_host_key_is_trusted_and_another_one_is_not() -> None:
    async def scenario() -> None:
        keys, device = KnownHosts(), SimulatedDevice(SCRIPT)
        async with Fleet([device]):
            await asked(target(device), keys=keys)
            await asked(target(device), keys=keys)
            assert len(keys.of("127.0.0.1", device.port)) == 1
        async with Fleet([device]):  # with another key
            with pytest.raises(HostKeyChanged, match=r"shows SHA256:.*another host key"):
                await asked(target(device), keys=keys)
            assert device.logins == 2
            await asked(target(device, trust="off"), keys=keys)

    run(scenario())


def test_a_strict_device_shows_a_key_that_is_known() -> None:
    device = SimulatedDevice(SCRIPT)
    with pytest.raises(HostKeyUnknown, match="shows SHA256:"):
        run(of(device, trust="strict"))
    assert device.logins == 0


def test_a_port_where_nothing_listens_is_said(free_port: int) -> None:
    with pytest.raises(DeviceRefused, match=f"127.0.0.1:{free_port}: Nothing listens"):
        run(asked(SshTarget(host="127.0.0.1", port=free_port, login=LOGIN)))


def test_a_name_that_is_none_is_said() -> None:
    with pytest.raises(DeviceUnreachable):
        run(asked(SshTarget(host="no-such-host.invalid", login=LOGIN)))


def test_what_is_no_ssh_server_is_said() -> None:
    async def scenario() -> None:
        async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail ready\r\n")
            writer.close()

        async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(DeviceHungUp, match=f"127.0.0.1:{port}"):
                await asked(SshTarget(host="127.0.0.1", port=port, login=LOGIN))

    run(scenario())


def test_a_server_that_says_nothing_is_given_up() -> None:
    async def scenario() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                await reader.read()  # until the other side has enough of it
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(DeviceUnreachable, match=r"no answer in 0.5 s"):
                await open_ssh(SshTarget(host="127.0.0.1", port=port, login=LOGIN), KnownHosts(), 0.5)
            await asyncio.sleep(0.05)  # for the other side to see it

    started = time.monotonic()
    run(scenario())
    assert time.monotonic() - started < 20


def test_a_device_that_goes_silent_in_the_middle_is_given_up() -> None:
    with pytest.raises((DeviceTimedOut, PromptNotRecognised)):
        run(of(SimulatedDevice(SCRIPT, Behaviour(hangs_after=SHOW))))


def test_a_device_that_comes_to_no_end_is_given_up() -> None:
    async def scenario() -> None:
        device = SimulatedDevice(SCRIPT, Behaviour(pieces=1000, piece_delay=0.05, slow_command=SHOW))
        async with Fleet([device]):
            impatient = msgspec.structs.replace(SHORT, command=2.0, total=2.5)
            channel = await open_ssh(target(device), KnownHosts(), SHORT.connect)
            session = Session(channel, DIALECT, LOGIN, impatient)
            await session.open()
            try:
                with pytest.raises(DeviceTimedOut, match=r"still talks 2.5 s after 'show run'"):
                    await session.ask(SHOW)
            finally:
                await session.close()

    run(scenario())


def test_a_device_that_hangs_up_in_the_middle_has_given_no_answer() -> None:
    with pytest.raises(DeviceHungUp, match="show run"):
        run(of(SimulatedDevice(SCRIPT, Behaviour(closes_after=SHOW))))


def test_a_prompt_that_is_not_known_is_told_without_secrets() -> None:
    script = Script("Welcome\nmenu [1-9] ? ", ())
    with pytest.raises(PromptNotRecognised, match=r"menu \[1-9\] \?"):
        run(of(SimulatedDevice(script)))


def test_a_device_is_reached_through_another_host() -> None:
    async def scenario() -> None:
        class Bastion(asyncssh.SSHServer):
            def begin_auth(self, _: str) -> bool:
                return False

            def connection_requested(self, dest_host: str, _port: int, _from: str, _from_port: int) -> bool:
                return dest_host == "127.0.0.1"

        device = SimulatedDevice(SCRIPT)
        key = asyncssh.generate_private_key("ssh-ed25519")
        async with (
            Fleet([device]),
            await asyncssh.create_server(Bastion, "127.0.0.1", 0, server_host_keys=[key]) as jump,
        ):
            bastion = SshTarget(host="127.0.0.1", port=jump.get_port(), login=Login("ann"))
            assert (await asked(target(device, jump=bastion))).endswith("end")

    run(scenario())


def test_a_device_that_only_knows_old_algorithms_is_talked_to_when_that_is_allowed() -> None:
    async def scenario() -> None:
        class Old(asyncssh.SSHServer):
            def begin_auth(self, _: str) -> bool:
                return False

        async def shell(process: asyncssh.SSHServerProcess[str]) -> None:
            process.stdout.write("old#")
            await process.stdin.readline()
            process.stdout.write("show run\r\nhostname old\r\nold#")
            await process.stdin.readline()
            process.exit(0)

        async with await asyncssh.create_server(
            Old, "127.0.0.1", 0, server_host_keys=[asyncssh.generate_private_key("ssh-rsa")],
            kex_algs=["diffie-hellman-group1-sha1"], encryption_algs=["3des-cbc"], process_factory=shell,
            signature_algs=["ssh-rsa"], line_editor=False,
        ) as server:  # fmt: skip
            where = SshTarget(host="127.0.0.1", port=server.get_port(), login=Login("ann"))
            with pytest.raises(NoCommonAlgorithm, match="allow those for this device"):
                await asked(where)
            assert await asked(msgspec.structs.replace(where, allows_legacy=True)) == "hostname old"

    run(scenario())


def test_commands_have_channels_of_their_own_where_there_is_no_shell() -> None:
    async def scenario() -> str:
        device = SimulatedDevice(Script(None, (("/export\n", "# by RouterOS\n/ip address\n"),)))
        async with Fleet([device]):
            channel = await open_ssh(target(device), KnownHosts(), 5, with_shell=False)
            session = Session(channel, Dialect(channel="exec"), LOGIN, SHORT)
            try:
                await session.open()
                return await session.ask("/export")
            finally:
                await session.close()

    assert run(scenario()) == "# by RouterOS\n/ip address\n"


def test_a_private_key_lets_in() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def scenario() -> None:
        class Keyed(asyncssh.SSHServer):
            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, _: str, shown: asyncssh.SSHKey) -> bool:
                return shown.public_data == key.public_data

        host_key = asyncssh.generate_private_key("ssh-ed25519")
        async with await asyncssh.create_server(Keyed, "127.0.0.1", 0, server_host_keys=[host_key]) as server:
            where = SshTarget(
                host="127.0.0.1", port=server.get_port(), login=Login("ann"),
                private_key=key.export_private_key().decode(),
            )  # fmt: skip
            channel = await open_ssh(where, KnownHosts(), 5, with_shell=False)
            await channel.close()
            with pytest.raises(LoginFailed, match="private key cannot be used"):
                await open_ssh(msgspec.structs.replace(where, private_key="nonsense"), KnownHosts(), 5)

    run(scenario())


def test_packets_to_be_ignored_are_sent_with_old_algorithms_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[int] = []

    class Counting(asyncssh.SSHServerConnection):
        def log_received_packet(self, pkttype: int, *rest: Any, **more: Any) -> None:
            came.append(pkttype)
            super().log_received_packet(pkttype, *rest, **more)

    monkeypatch.setattr("asyncssh.connection.SSHServerConnection", Counting)
    run(of(SimulatedDevice(SCRIPT)))
    assert came
    assert MSG_IGNORE not in came
    run(of(SimulatedDevice(SCRIPT), allows_legacy=True))
    assert MSG_IGNORE in came
